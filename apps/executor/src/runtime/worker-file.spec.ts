import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { ControlPath } from '#contracts';
import { DEFAULT_LIMITS, type HandlerPort } from './runtime.js';
import { threadRuntime } from './thread.js';
import { workerFile } from './worker-file.js';

/* A worker's start is the first answer of a version: what is loaded there is paid for by a caller who waits (ADR 50). */

const MOST_BYTES = 96 * 1024;

describe.each(['thread', 'process'] as const)('what a %s loads', (kind) => {
  const code = readFileSync(workerFile(kind), 'utf8');

  it('is small, and names no source map for Node to read', () => {
    expect(code.length).toBeLessThan(MOST_BYTES);
    expect(code).not.toContain('sourceMappingURL');
  });

  it('has of other packages nothing, and of Node what is cheap', () => {
    const eager = code.matchAll(/module\.exports=process\.getBuiltinModule\("node:(\w+)"\)/g);
    const mine = kind === 'thread' ? ['worker_threads'] : ['net'];
    const cheap = ['async_hooks', 'buffer', 'fs', 'path', 'stream', 'timers', 'url', 'util', ...mine];
    expect([...eager].map(([, name]) => name).filter((name) => !cheap.includes(name as string))).toEqual([]);
    expect(code).not.toMatch(/\bfrom ?"|^import\b/m);
  });
});

describe('a first answer in a thread', () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'mesh-worker-file-'));
    writeFileSync(join(folder, 'handler.mjs'), 'export default () => ({ loaded: process.moduleLoadList })');
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  it('does not load fetch, which takes longer than the start of the thread', async () => {
    const port: HandlerPort = {
      log: () => {},
      state: () => {},
      call: () => Promise.reject(new Error('none')),
    };
    const place = { entry: 'handler.mjs', environment: {}, folder: async () => folder };
    const spec = { path: 'cold/start' as ControlPath, version: '1.0.0', ...place };
    const instance = threadRuntime(DEFAULT_LIMITS)(spec, port);
    const run = (key: number) =>
      instance.invoke({ key, id: '', headers: {}, body: Buffer.from(''), attempt: 1, timeout: 60_000 });
    try {
      // The second one sees what the answer of the first has loaded.
      await run(0);
      const { loaded } = JSON.parse(Buffer.from((await run(1)).body).toString()) as { loaded: string[] };
      expect(loaded.filter((name) => /undici|\bcrypto$/.test(name))).toEqual([]);
      expect(loaded.length).toBeGreaterThan(50);
    } finally {
      await instance.close();
    }
  });
});
