import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { findHandler } from './find-handler.js';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mesh-find-'));
  await mkdir(join(folder, 'function'));
  for (const name of ['function/handler.ts', 'function/other.py', 'total.mjs'])
    await writeFile(join(folder, name), '');
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const node = (file: string, exported?: string) => ({
  kind: 'node',
  file: join(folder, file),
  ...(exported ? { exported } : {}),
});

describe('the name of a handler', () => {
  it.each([
    ['function.handler.handle', () => node('function/handler.ts', 'handle')],
    ['function/handler.ts', () => node('function/handler.ts')],
    ['function/handler#handle', () => node('function/handler.ts', 'handle')],
    ['./total.mjs#sum', () => node('total.mjs', 'sum')],
    ['total.mjs', () => node('total.mjs')],
    ['total.sum', () => node('total.mjs', 'sum')],
    ['function.other.handle', () => ({ kind: 'python', name: 'function.other.handle' })],
    ['json.dumps', () => ({ kind: 'python', name: 'json.dumps' })],
  ])('%s', async (name, expected) => {
    expect(await findHandler(name, folder)).toEqual(expected());
  });

  it.each(['nowhere.ts', 'function/nowhere#handle', 'handle', '', 'a..b', 'os.system("x")'])(
    '%j is none',
    async (name) => {
      await expect(findHandler(name, folder)).rejects.toThrow(/module|dotted path/);
    },
  );
});
