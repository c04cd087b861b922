import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from '@jest/globals';
import { type ControlPath, MeshError } from '#contracts';
import { errorOutcome, type Outcome } from '#handler/runtime';
import { processRuntime } from './process.js';
import { type Allotment, DEFAULT_LIMITS, type HandlerSpec, type WorkerHost } from './runtime.js';
import { threadRuntime } from './thread.js';

/* Several workers of one version: which gets a run, and what the end of one means for the others. Needs `npm run build`. */

const RUNTIMES = { thread: threadRuntime, process: processRuntime };

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

/** Tells which worker it is; `loop` blocks it, `exit` ends it, `wait` keeps it busy until it is aborted. */
const CODE = `import { threadId } from 'node:worker_threads';
const me = process.pid + ':' + threadId;
export default async (event, { signal, log }) => {
  if (event.body === 'loop') for (;;);
  if (event.body === 'exit') process.exit(1);
  if (event.body === 'wait') { log('waits'); await new Promise((resolve) => signal.addEventListener('abort', resolve)); }
  return me;
};`;

describe.each(['thread', 'process'] as const)('workers in isolation %s', (kind) => {
  function subject(change: Partial<Allotment> = {}, graceMs = DEFAULT_LIMITS.graceMs) {
    const folder = mkdtempSync(join(tmpdir(), 'mesh-several-'));
    writeFileSync(join(folder, 'handler.mjs'), CODE);
    const allotment = { workers: 2, warm: 0, memoryMb: 512, ...change };
    const host = {
      allotment: () => allotment,
      mayGrow: () => true,
      startTurn: async () => () => {},
      tally: { starts: 0, ends: { crashed: 0, unready: 0, overrun: 0, released: 0 } },
    } satisfies WorkerHost;
    const spec: HandlerSpec = {
      path: 'a/b' as ControlPath,
      version: '1.0.0',
      entry: 'handler.mjs',
      environment: {},
      folder: async () => folder,
      host,
    };
    let waiting = 0;
    const instance = RUNTIMES[kind]({ ...DEFAULT_LIMITS, graceMs })(spec, {
      log: () => void waiting++,
      call: () => Promise.reject(new MeshError('no-route')),
      state: () => undefined,
    });
    closers.push(() => rmSync(folder, { recursive: true, force: true }));
    closers.push(() => instance.close());
    let next = 0;
    /** As the executor does it: answered at the deadline, then aborted. */
    const run = (body = '', timeout = 20_000): { outcome: Promise<Outcome>; abort: () => void } => {
      const key = next++;
      const { promise, resolve } = Promise.withResolvers<Outcome>();
      const abort = () => {
        clearTimeout(timer);
        resolve(errorOutcome(new MeshError('deadline-exceeded'), 'id'));
        instance.abort(key, 'over');
      };
      const timer = setTimeout(abort, timeout);
      const headers = { 'ce-datacontenttype': 'text/plain' };
      void instance
        .invoke({ key, id: 'id', headers, body: Buffer.from(body), attempt: 1, timeout })
        .then((outcome) => {
          clearTimeout(timer);
          resolve(outcome);
        });
      return { outcome: promise, abort };
    };
    const waits = async (count: number) => {
      while (waiting < count) await new Promise((resolve) => setTimeout(resolve, 5));
    };
    const who = async (outcome: Promise<Outcome>) => Buffer.from((await outcome).body).toString();
    return { instance, run, waits, who, allotment, tally: host.tally };
  }

  it('one while it is enough; another while all are busy, up to as many as there may be', async () => {
    const { run, waits, who, tally, instance } = subject();
    const first = await who(run().outcome);
    expect([await who(run().outcome), tally.starts]).toEqual([first, 1]);
    const busy = [run('wait'), run('wait'), run('wait')];
    await waits(3);
    expect([tally.starts, instance.states().ready]).toEqual([2, 2]);
    for (const { abort } of busy) abort();
    await Promise.all(busy.map(({ outcome }) => outcome));
    // As soon as it has heard that they are over.
    while ((await who(run().outcome)) !== first) await new Promise((resolve) => setTimeout(resolve, 5));
  });

  it('one that blocks is not idle, although whom it kept waiting has been answered', async () => {
    const { run, waits, tally } = subject({}, 3_000);
    const beside = run('wait');
    await waits(1);
    const loops = run('loop', 500);
    beside.abort();
    await Promise.all([beside.outcome, loops.outcome]);
    for (let n = 0; n < 4; n++) expect((await run().outcome).outcome).toBe('ok');
    // Had one of them gone there, it would have been answered after its end.
    expect([tally.starts, tally.ends.overrun]).toEqual([2, 0]);
  });

  it('one that ends answers its own runs; those of the other go on', async () => {
    const { run, waits, tally, instance } = subject();
    const beside = run('wait', 5_000);
    await waits(1);
    expect((await run('exit').outcome).outcome).toBe('worker-crashed');
    expect(tally.ends.crashed).toBe(1);
    expect(instance.inFlight).toBe(1);
    expect((await run().outcome).outcome).toBe('ok');
    beside.abort();
    await beside.outcome;
  });

  it('those too many rest, and as many stay as are kept warm, as the operator says now', async () => {
    const { run, waits, instance, allotment, tally } = subject({ workers: 3, warm: 2 });
    await instance.warm();
    expect(tally.starts).toBe(2);
    const busy = [run('wait'), run('wait'), run('wait')];
    await waits(3);
    for (const { abort } of busy) abort();
    await Promise.all(busy.map(({ outcome }) => outcome));
    while (instance.states().starting > 0) await new Promise((resolve) => setTimeout(resolve, 5));
    for (let times = 0; times < 2; times++) instance.rest();
    expect([instance.states().ready, tally.ends.released]).toEqual([2, 1]);
    allotment.warm = 0;
    instance.rest();
    expect([instance.states().ready, tally.ends.released]).toEqual([0, 3]);
  });
});
