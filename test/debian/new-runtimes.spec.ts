import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { run } from '../../apps/cli/src/mesh.js';
import { LANGUAGES } from '../../apps/cli/src/scaffold/languages.js';
import { type Shell, shellOf } from '../../apps/cli/src/shell.js';
import { closeAll } from '../fixtures/later.js';
import { type Mesh, mesh } from '../fixtures/mesh.js';

/* `mesh new --runtime`: what it makes is published as it is, and answers. Needs Debian's interpreters. */

const languages = Object.keys(LANGUAGES);
let folder: string;
let said: string[];
let world: Mesh;

const shell = (): Shell => ({
  ...shellOf(folder, process.env),
  print: (text) => void said.push(text),
  tell: (text) => void said.push(text),
});

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'mesh-new-'));
  said = [];
  for (const language of languages)
    await run(shell(), ['new', `hello/${language}`, language, '--runtime', language, '--no-git']);
  world = await mesh(async ({ publishFolder }) => {
    for (const language of languages) await publishFolder(join(folder, language));
  });
}, 60_000);
afterAll(async () => {
  await closeAll();
  rmSync(folder, { recursive: true, force: true });
});

describe.each(languages)('a new handler in %s', (language) => {
  it('greets by name', async () => {
    const greeting = async (init: RequestInit, query = '') =>
      (await fetch(`${world.url}/hello/${language}${query}`, init)).json();
    expect(await greeting({}, '?name=Ada')).toEqual({ greeting: 'Hello, Ada!' });
    expect(await greeting({})).toEqual({ greeting: 'Hello, world!' });
  });

  it('tells what was made, and what to do next', () => {
    const text = said.find((one) => one.includes(`  ${language}/bootstrap`));
    expect(text).toContain('mesh publish');
    expect(readdirSync(join(folder, language))).toEqual(
      expect.arrayContaining(['bootstrap', 'mesh.json', 'README.md', '.gitignore']),
    );
  });
});

it('of another language says which there are', async () => {
  const one = shell();
  await run(one, ['new', 'hello/cobol', '--runtime', 'cobol']);
  expect([one.exitCode, said.at(-1)]).toEqual([64, expect.stringContaining('python')]);
});
