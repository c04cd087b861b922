import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, describe, expect, it } from '@jest/globals';
import { type ControlPath, MeshError } from '#contracts';
import { type CallReply, errorOutcome, type Outcome } from '#handler/runtime';
import { processRuntime } from './process.js';
import {
  DEFAULT_LIMITS,
  type HandlerPort,
  type HandlerSpec,
  type Instance,
  type WorkerLimits,
} from './runtime.js';
import { threadRuntime } from './thread.js';

/*
 * What only workers have, threads and processes alike: an end of their own, an environment of their own, and messages
 * between two sides. Needs `npm run build`.
 */

const RUNTIMES = { thread: threadRuntime, process: processRuntime };
const KINDS = ['thread', 'process'] as const;

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

interface Subject {
  readonly states: (string | undefined)[];
  readonly logs: string[];
  readonly calls: ((reply: CallReply) => void)[];
  run(body?: string, timeout?: number): Promise<Outcome>;
  readonly instance: Instance;
}

function worker(
  kind: keyof typeof RUNTIMES,
  code: string,
  change: Partial<HandlerSpec> = {},
  limits: Partial<WorkerLimits> = {},
): Subject {
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
  const instance = RUNTIMES[kind]({ ...DEFAULT_LIMITS, ...limits })(spec, port);
  closers.push(() => rmSync(folder, { recursive: true, force: true }));
  closers.push(() => instance.close());
  let key = 0;
  // As the executor does it: answered at the deadline, then aborted.
  const run = (body = '', timeout = 5_000): Promise<Outcome> => {
    const own = key++;
    return new Promise((resolve) => {
      const timer = setTimeout(() => {
        resolve(errorOutcome(new MeshError('deadline-exceeded'), 'id'));
        instance.abort(own, 'the deadline passed');
      }, timeout);
      const invocation = { key: own, id: 'id', headers: {}, body: Buffer.from(body), attempt: 1, timeout };
      void instance.invoke(invocation).then((outcome) => {
        clearTimeout(timer);
        resolve(outcome);
      });
    });
  };
  return { states, logs, calls, run, instance };
}

const textOf = ({ body }: Outcome): string => Buffer.from(body).toString();
const reply = (text: string): CallReply => ({ outcome: 'ok', status: 200, body: Buffer.from(text) });
async function waitFor(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setTimeout(resolve, 5));
}

async function until(holds: () => Promise<boolean>): Promise<void> {
  while (!(await holds())) await new Promise((resolve) => setTimeout(resolve, 20));
}

describe.each(KINDS)('%s', (kind) => {
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
      const { run, logs, states, instance } = worker(kind, code);
      const waiting = [run(), run(), run()];
      await waitFor(() => logs.length === 3);
      const started = performance.now();
      const outcomes = await Promise.all([...waiting, run('1')]);
      expect(performance.now() - started).toBeLessThan(5_000);
      for (const outcome of outcomes) {
        expect(outcome).toMatchObject({ outcome: 'worker-crashed', status: 502 });
        expect(textOf(outcome)).not.toContain('secret');
      }
      // That the next one has loaded proves nothing yet.
      await instance.warm();
      expect(states).toStrictEqual([undefined, 'worker-crashed']);
      expect(textOf(await run('2'))).toBe('well');
      expect(states).toStrictEqual([undefined, 'worker-crashed', undefined]);
    });

    it('takes no answer of a nested call to the worker after it', async () => {
      const code = `export default async (e, c) => {
      if (e.body === 1) { void c.call('other').catch(() => {}); c.log('called'); await new Promise((r) => setTimeout(r, 20)); process.exit() }
      return c.call('other') }`;
      const { run, calls } = worker(kind, code);
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
        const { run } = worker(kind, 'export default (e) => e.raw.length');
        const both = [run('x'.repeat(size)), run('y'.repeat(size))];
        expect((await Promise.all(both)).map(textOf)).toEqual([`${size}`, `${size}`]);
        expect(textOf(await run('z'.repeat(size)))).toBe(`${size}`);
      },
    );

    it('leave the buffer that they are a view of as it was', async () => {
      const { run } = worker(kind, 'export default (e) => e.raw');
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
      const { run } = worker(kind, code, { environment: { DATABASE_URL: 'postgresql://x' } });
      expect(JSON.parse(textOf(await run()))).toEqual({ DATABASE_URL: 'postgresql://x' });
    });

    it('changed by a handler is changed for that handler alone', async () => {
      const { run } = worker(kind, 'export default () => { process.env.MESH_T = "x"; return 1 }');
      await run();
      expect(process.env.MESH_T).toBeUndefined();
    });
  });

  describe('a run that does not stop at its deadline', () => {
    const LOOPS = `export default (e, { log }) => {
      if (e.body === 'loop') for (;;);
      if (e.body === 'never') { log('never'); return new Promise(() => {}) }
      if (e.body === 'slow') { log('slow'); return new Promise((done) => setTimeout(done, 3_000, 'slow')) }
      if (e.body === 'state') return (globalThis.n = (globalThis.n ?? 0) + 1);
      return 'well' }`;

    it('because it loops is ended, and the next call finds another worker', async () => {
      const { run } = worker(kind, LOOPS);
      await run();
      expect((await run('loop', 100)).outcome).toBe('deadline-exceeded');
      const started = performance.now();
      expect(textOf(await run())).toBe('well');
      // Grace, end and start of the next one, on a machine that others use too.
      expect(performance.now() - started).toBeLessThan(3_000);
    });

    it('lets those that wait behind it move on, once each', async () => {
      const { run, states } = worker(kind, LOOPS);
      await run();
      const loop = run('loop', 500);
      const behind = [run('state'), run('state'), run('state')];
      expect((await loop).outcome).toBe('deadline-exceeded');
      expect((await Promise.all(behind)).map(textOf)).toEqual(['1', '2', '3']);
      expect(states).toStrictEqual([undefined, 'worker-crashed', undefined]);
    });

    it('is not run at all when its own deadline passed behind another', async () => {
      const { run, logs } = worker(kind, LOOPS);
      await run();
      const both = [run('loop', 200), run('never', 100)];
      expect((await Promise.all(both)).map(({ outcome }) => outcome)).toEqual([
        'deadline-exceeded',
        'deadline-exceeded',
      ]);
      expect(textOf(await run())).toBe('well');
      expect(logs).toEqual([]);
    });

    it('while others in its worker do well: they finish, new ones get another worker', async () => {
      // One that gets no processor for as long would be taken for blocked, and its other runs were lost.
      const { run, logs } = worker(kind, LOOPS, {}, { graceMs: 500 });
      expect(textOf(await run('state'))).toBe('1');
      const never = run('never', 1_000);
      // Begun before its deadline, or there would be nothing to stop.
      await waitFor(() => logs.includes('never'));
      const slow = run('slow');
      await waitFor(() => logs.includes('slow'));
      expect((await never).outcome).toBe('deadline-exceeded');
      await until(async () => textOf(await run('state')) === '1');
      expect(textOf(await slow)).toBe('slow');
    });

    it('stays where it is when it heeds its signal', async () => {
      const code = `export default (e, { signal, log }) => {
        if (!e.body) return (globalThis.n = (globalThis.n ?? 0) + 1);
        log('waits');
        return new Promise((done) => signal.addEventListener('abort', () => done('stopped'))) }`;
      const graceMs = 1_000;
      const { run, logs } = worker(kind, code, {}, { graceMs });
      await run();
      expect((await run('wait', 500)).outcome).toBe('deadline-exceeded');
      expect(logs).toEqual(['waits']);
      await delay(2 * graceMs);
      expect(textOf(await run())).toBe('2');
    });
  });

  it('a handler that leaks is told what it may have, and the next call works', async () => {
    const code = `const kept = []; export default (e) => {
      if (!e.body) return 'well'; for (;;) kept.push({ a: { b: 1 } }) }`;
    const { run, states } = worker(kind, code, {}, { memoryMb: 128 });
    await run();
    const outcome = await run('leak', 20_000);
    expect(outcome).toMatchObject({ outcome: 'worker-crashed', status: 502 });
    expect(textOf(await run())).toBe('well');
    expect(states).toStrictEqual([undefined, 'worker-crashed', undefined]);
  });

  it('one that crashes at every call is not started again and again: its callers are answered at once', async () => {
    const { run } = worker(kind, 'export default () => process.exit(1)');
    // In the same turn, in which no worker starts, let alone ends.
    const runs = async () => {
      let isAtOnce = true;
      setImmediate(() => {
        isAtOnce = false;
      });
      return { ...(await run()), isAtOnce };
    };
    let last = await runs();
    for (let i = 0; i < 120 && last.outcome === 'worker-crashed'; i++) last = await runs();
    expect(last).toMatchObject({ outcome: 'worker-restarting', status: 502, isAtOnce: true });
    expect(Number(last.meta?.headers?.['retry-after'])).toBeGreaterThanOrEqual(1);
    // And it goes on after that.
    await until(async () => (await run()).outcome === 'worker-crashed');
  }, 60_000);

  it('one that crashes again and again takes no more than a pace of starts, and its callers wait', async () => {
    const { run } = worker(kind, 'export default () => process.exit(1)');
    await run();
    const began = performance.now();
    for (let i = 0; i < 8; i++) expect((await run()).outcome).toBe('worker-crashed');
    // Four at once, four more in 200 ms each.
    expect(performance.now() - began).toBeGreaterThan(700);
  });

  it('one that does not load is tried again later and later, and meanwhile says why', async () => {
    const { run } = worker(kind, 'throw new Error("no")');
    const began = performance.now();
    for (let i = 0; i < 200; i++) expect((await run()).outcome).toBe('load-failed');
    // Each attempt would take more than 20 ms.
    expect(performance.now() - began).toBeLessThan(4_000);
    expect((await run()).meta?.headers?.['retry-after']).toBeDefined();
  });

  it('rests when nobody calls it, and comes back', async () => {
    const { run, instance } = worker(kind, 'export default () => (globalThis.n = (globalThis.n ?? 0) + 1)');
    expect([textOf(await run()), textOf(await run())]).toEqual(['1', '2']);
    instance.rest();
    expect(textOf(await run())).toBe('3');
    instance.rest();
    instance.rest();
    expect(textOf(await run())).toBe('1');
  });

  it('warmed, it is ready before it is called', async () => {
    const { run, instance, states } = worker(kind, 'export default () => 1');
    await instance.warm();
    expect(states).toHaveLength(1);
    await instance.warm();
    expect(textOf(await run())).toBe('1');
    expect(states).toStrictEqual([undefined]);
  });

  it.each<[string, string]>([
    ['no message', '[1]'],
    ['no outcome', '[["done", 0, null, 1]]'],
    ['an outcome of another kind', '[["done", 0, { outcome: 1, status: "x" }, "body"]]'],
    ['a log line of nothing', '[["log"], ["call"], ["reply"], ["unheard-of"]]'],
    ['an answer to others', '[["done", 99, { outcome: "ok", status: 200 }, "forged"], ["unheard-of"]]'],
  ])('one that sends %s harms itself alone', async (_, messages) => {
    // As the handler of a process does it, without the mesh's code: a head, JSON, no bytes.
    const code = `import { parentPort } from 'node:worker_threads'; import { writeSync } from 'node:fs';
      export default (e) => { if (!e.body) return 'well';
        for (const message of ${messages}) {
          if (parentPort) { parentPort.postMessage([message]); continue }
          const json = Buffer.from(JSON.stringify(message)), head = Buffer.alloc(8);
          head.writeUInt32LE(4 + json.length, 0); head.writeUInt32LE(json.length, 4);
          writeSync(3, Buffer.concat([head, json])) }
        return new Promise(() => {}) }`;
    const { run } = worker(kind, code);
    const outcome = await run('bad', 2_000);
    expect(['worker-crashed', 'bad-answer']).toContain(outcome.outcome);
    await until(async () => textOf(await run()) === 'well');
  });
});

it('a thread gathers few buffers that nobody uses any more', async () => {
  // Promoted to the old generation, which V8 collects when 64 MB of buffers have gathered; nothing else is going on.
  const handler = worker(
    'thread',
    `let kept = []; let junk;
     export default ({ body }) => {
       kept = Array.from({ length: body ?? 0 }, () => new ArrayBuffer(1 << 20));
       for (let i = 0; i < 3e5 * kept.length; i++) junk = { i };
       return Math.round(process.memoryUsage().arrayBuffers / (1 << 20));
     }`,
  );
  const used = async (mb = '') => Number(Buffer.from((await handler.run(mb)).body).toString());
  expect(await used('40')).toBeGreaterThanOrEqual(40);
  // Long enough for them to be collected in vain: what is used is looked at more than once.
  await delay(400);
  while ((await used()) > 20) await delay(20);
}, 20_000);

describe('a thread', () => {
  it.each([
    [512, 48],
    [64, 16],
  ])('of %d MB has %d for young objects', async (memoryMb, youngMb) => {
    const code = `import { resourceLimits } from 'node:worker_threads';
      export default () => resourceLimits.maxYoungGenerationSizeMb`;
    const { run } = worker('thread', code, {}, { memoryMb });
    expect(textOf(await run())).toBe(String(youngMb));
  });
});

describe('a process', () => {
  it.each([
    [512, 48],
    // V8 has spaces of whole powers of two: three of eight.
    [64, 24],
  ])('of %d MB has %d for young objects', async (memoryMb, youngMb) => {
    const code = `import { getHeapStatistics } from 'node:v8';
      export default () => getHeapStatistics().heap_size_limit / (1 << 20)`;
    const { run } = worker('process', code, {}, { memoryMb });
    expect(textOf(await run())).toBe(String(memoryMb + youngMb));
  });
});
