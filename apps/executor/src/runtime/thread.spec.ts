import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from '@jest/globals';
import type { ControlPath } from '#contracts';
import type { CallReply, Outcome } from '#handler/runtime';
import { DEFAULT_LIMITS, type HandlerPort, type HandlerSpec } from './runtime.js';
import { threadRuntime } from './thread.js';

/* What only a thread has: an end of its own, an environment of its own, and messages between two sides. */

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

interface Subject {
  readonly states: (string | undefined)[];
  readonly logs: string[];
  readonly calls: ((reply: CallReply) => void)[];
  run(body?: string): Promise<Outcome>;
}

function thread(code: string, change: Partial<HandlerSpec> = {}): Subject {
  const folder = mkdtempSync(join(tmpdir(), 'mesh-thread-'));
  writeFileSync(join(folder, 'handler.mjs'), code);
  const states: (string | undefined)[] = [];
  const logs: string[] = [];
  const calls: ((reply: CallReply) => void)[] = [];
  const port: HandlerPort = {
    log: (_spec, _id, _level, message) => void logs.push(message),
    call: () => new Promise((resolve) => calls.push(resolve)),
    state: (_spec, fault) => void states.push(fault?.code),
  };
  const spec: HandlerSpec = {
    path: 'users/find' as ControlPath,
    version: '1.0.0',
    entry: 'handler.mjs',
    environment: {},
    // Known already, as after the first time: it is there within the same turn.
    folder: () => Promise.resolve(folder),
    ...change,
  };
  const instance = threadRuntime(DEFAULT_LIMITS)(spec, port);
  closers.push(() => rmSync(folder, { recursive: true, force: true }));
  closers.push(() => instance.close());
  let key = 0;
  const run = (body = '') =>
    instance.invoke({
      key: key++,
      id: 'id',
      headers: {},
      body: Buffer.from(body),
      attempt: 1,
      timeout: 5_000,
    });
  return { states, logs, calls, run };
}

const textOf = ({ body }: Outcome): string => Buffer.from(body).toString();
const reply = (text: string): CallReply => ({ outcome: 'ok', status: 200, body: Buffer.from(text) });
async function waitFor(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setTimeout(resolve, 5));
}

describe('a worker that ends', () => {
  it.each<[string, string]>([
    ['process.exit', 'process.exit(3)'],
    ['an error that nobody catches', 'setTimeout(() => { throw new Error("secret") })'],
    ['a rejection that nobody handles', 'void Promise.reject(new Error("secret"))'],
  ])('by %s answers every call it had at once, and the next one works', async (_, end) => {
    const code = `export default (e, { log }) => {
      if (e.body === 1) { ${end} }
      if (e.body === 2) return 'well';
      log('waits'); return new Promise(() => {}) }`;
    const { run, logs, states } = thread(code);
    const waiting = [run(), run(), run()];
    await waitFor(() => logs.length === 3);
    const started = performance.now();
    const outcomes = await Promise.all([...waiting, run('1')]);
    expect(performance.now() - started).toBeLessThan(5_000);
    for (const outcome of outcomes) {
      expect(outcome).toMatchObject({ outcome: 'worker-crashed', status: 502 });
      expect(textOf(outcome)).not.toContain('secret');
    }
    expect(textOf(await run('2'))).toBe('well');
    expect(states).toEqual([undefined, 'worker-crashed', undefined]);
  });

  it('takes no answer of a nested call to the worker after it', async () => {
    const code = `export default async (e, c) => {
      if (e.body === 1) { void c.call('other').catch(() => {}); c.log('called'); await new Promise((r) => setTimeout(r, 20)); process.exit() }
      return c.call('other') }`;
    const { run, calls } = thread(code);
    await run('1');
    const second = run('2');
    await waitFor(() => calls.length === 2);
    calls[0]?.(reply('"of the one before"'));
    calls[1]?.(reply('"its own"'));
    expect(textOf(await second)).toBe('its own');
  });
});

describe('bodies', () => {
  // Of 64 KiB and more, they change hands instead of being copied.
  it.each([1, 65_535, 65_536, 3_000_000])(
    'of %d bytes reach a worker that is not there yet',
    async (size) => {
      const { run } = thread('export default (e) => e.raw.length');
      const both = [run('x'.repeat(size)), run('y'.repeat(size))];
      expect((await Promise.all(both)).map(textOf)).toEqual([`${size}`, `${size}`]);
      expect(textOf(await run('z'.repeat(size)))).toBe(`${size}`);
    },
  );

  it('leave the buffer that they are a view of as it was', async () => {
    const { run } = thread('export default (e) => e.raw');
    const body = 'x'.repeat(100_000);
    const network = Buffer.from(body);
    const running = run(body);
    expect(textOf(await running)).toHaveLength(100_000);
    expect(network.toString()).toBe(body);
  });
});

describe('the environment', () => {
  it('is what the manifest lists, and nothing of the executor', async () => {
    const code = 'export default () => ({ ...process.env })';
    const { run } = thread(code, { environment: { DATABASE_URL: 'postgresql://x' } });
    expect(JSON.parse(textOf(await run()))).toEqual({ DATABASE_URL: 'postgresql://x' });
  });

  it('changed by a handler is changed for that handler alone', async () => {
    const { run } = thread('export default () => { process.env.MESH_T = "x"; return 1 }');
    await run();
    expect(process.env.MESH_T).toBeUndefined();
  });
});
