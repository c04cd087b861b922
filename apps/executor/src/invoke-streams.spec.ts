import { describe, expect, it } from '@jest/globals';
import { MeshError, manifest, type Route, route } from '#contracts';
import type { Outcome } from '#handler/runtime';
import type { Instances } from './catalogue/instances.js';
import { Invoke } from './invoke.js';
import { allowances } from './limits/admission.js';
import type { Instance, Invocation } from './runtime/runtime.js';

const ID = '0190d0c0-0000-7000-8000-000000000001';
const OK: Outcome = { outcome: 'ok', status: 200, body: Buffer.from('ok') };
const CEILINGS = {
  timeoutMs: 900_000,
  concurrency: 1,
  queue: 0,
  workers: 1,
  warm: 1,
  memoryMb: 512,
  payloadBytes: 10,
  ratePerSecond: Number.POSITIVE_INFINITY,
};

function routeOf(more: { body?: 'stream'; timeoutMs?: number } = {}): Route {
  const { timeoutMs, ...others } = more;
  const limits = timeoutMs === undefined ? {} : { timeoutMs };
  const { path: _, ...live } = manifest.parse({ path: 'a', version: '1.0.0', limits, ...others });
  const digest = `sha256:${'0'.repeat(64)}`;
  return route.parse({ path: 'a', revision: 1, versions: [{ ...live, weight: 100, digest }] });
}

/** A stream that gives what it is told to, and notes when it is let go of. */
function source() {
  const left = Promise.withResolvers<void>();
  const items: PromiseWithResolvers<IteratorResult<Uint8Array>>[] = [Promise.withResolvers()];
  const last = () => items.at(-1) as PromiseWithResolvers<IteratorResult<Uint8Array>>;
  let at = 0;
  return {
    left: left.promise,
    give(text: string) {
      last().resolve({ done: false, value: Buffer.from(text) });
      items.push(Promise.withResolvers());
    },
    end: () => last().resolve({ done: true, value: undefined }),
    fail: (error: Error) => last().reject(error),
    [Symbol.asyncIterator]: () => ({
      next: () => (items[at++] ?? last()).promise,
      return: async () => {
        left.resolve();
        return { done: true as const, value: undefined };
      },
    }),
  };
}

function world(answer: (invocation: Invocation) => Promise<Outcome>) {
  const aborted: string[] = [];
  const instance: Instance = {
    inFlight: 0,
    invoke: answer,
    abort: (_, reason) => void aborted.push(reason),
    warm: async () => undefined,
    states: () => ({ starting: 0, ready: 1, leaving: 0, ended: 0 }),
    rest: () => undefined,
    close: async () => undefined,
  };
  const instances = { get: () => instance, known: () => instance };
  const invoke = new Invoke(instances as unknown as Instances, allowances(CEILINGS));
  const run = async (of = routeOf(), rest?: AsyncIterable<Uint8Array>) =>
    (await invoke.run(of, { 'mesh-id': ID }, Buffer.from(''), 1, rest)).outcome;
  return { invoke, aborted, run };
}

const piecesOf = ({ rest }: Outcome): AsyncIterator<Uint8Array> =>
  (rest as AsyncIterable<Uint8Array>)[Symbol.asyncIterator]();

describe('a run that answers in pieces', () => {
  it('holds its place until the last piece is taken', async () => {
    const rest = source();
    const { run, aborted } = world(async () => ({ ...OK, rest }));
    const pieces = piecesOf(await run());
    rest.give('a');
    await pieces.next();
    expect(await run()).toMatchObject({ outcome: 'too-busy' });
    rest.end();
    expect(await pieces.next()).toMatchObject({ done: true });
    expect(await run()).toMatchObject({ outcome: 'ok' });
    expect(aborted).toEqual([]);
  });

  it('is stopped at its deadline, and who takes it is told', async () => {
    const { run, aborted } = world(async () => ({ ...OK, rest: source() }));
    const pieces = piecesOf(await run(routeOf({ timeoutMs: 30 })));
    await expect(pieces.next()).rejects.toMatchObject({ code: 'deadline-exceeded' });
    expect(aborted).toEqual(['the deadline passed']);
    expect(await run()).toMatchObject({ outcome: 'ok' });
  });

  it('is stopped when it is cancelled, or nobody wants more', async () => {
    const { run, invoke, aborted } = world(async () => ({ ...OK, rest: source() }));
    const cancelled = piecesOf(await run());
    invoke.cancel(ID, 'cancelled');
    await expect(cancelled.next()).rejects.toMatchObject({ code: 'cancelled' });
    await piecesOf(await run()).return?.();
    expect(aborted).toEqual(['the call was cancelled', 'the caller went away']);
    expect(await run()).toMatchObject({ outcome: 'ok' });
  });

  it('is broken off when the executor ends', async () => {
    const { run, invoke, aborted } = world(async () => ({ ...OK, rest: source() }));
    const pieces = piecesOf(await run());
    invoke.endStreams();
    await expect(pieces.next()).rejects.toMatchObject({ code: 'shutting-down' });
    expect(aborted).toEqual(['the executor ends']);
  });

  it('too late is let go of', async () => {
    const late = Promise.withResolvers<Outcome>();
    const { run } = world(() => late.promise);
    expect(await run(routeOf({ timeoutMs: 20 }))).toMatchObject({ outcome: 'deadline-exceeded' });
    const rest = source();
    late.resolve({ ...OK, rest });
    await rest.left;
  });
});

describe('a body in pieces', () => {
  it('is a whole one for a handler that takes those', async () => {
    const { run } = world(async ({ body, rest }) => ({ ...OK, body, ...(rest ? { status: 599 } : {}) }));
    const rest = source();
    rest.give('a');
    rest.give('b');
    rest.end();
    expect(await run(routeOf(), rest)).toMatchObject({ status: 200, body: Buffer.from('ab') });
    const large = source();
    for (let i = 0; i < 11; i++) large.give('x');
    expect(await run(routeOf(), large)).toMatchObject({ outcome: 'payload-too-large' });
    await large.left;
  });

  it('waits without a place of its handler', async () => {
    const { run } = world(async () => OK);
    const slow = source();
    const waiting = run(routeOf(), slow);
    expect(await run()).toMatchObject({ outcome: 'ok' });
    slow.end();
    expect(await waiting).toMatchObject({ outcome: 'ok' });
  });

  const taking = async ({ rest }: Invocation): Promise<Outcome> => {
    const all: Uint8Array[] = [];
    try {
      for await (const piece of rest ?? []) all.push(piece);
    } catch {
      // What it makes of that is its own affair.
    }
    return { ...OK, body: Buffer.concat(all) };
  };

  it('comes as it is to a handler that takes those', async () => {
    const { run } = world(taking);
    const rest = source();
    rest.give('a');
    rest.give('b');
    rest.end();
    expect(await run(routeOf({ body: 'stream' }), rest)).toMatchObject({ body: Buffer.from('ab') });
  });

  it('that breaks off, or is too large, ends the run, whatever its handler makes of it', async () => {
    const { run, aborted } = world(taking);
    const broken = source();
    broken.fail(new MeshError('client-gone'));
    expect(await run(routeOf({ body: 'stream' }), broken)).toMatchObject({ outcome: 'client-gone' });
    const large = source();
    for (let i = 0; i < 11; i++) large.give('x');
    expect(await run(routeOf({ body: 'stream' }), large)).toMatchObject({ outcome: 'payload-too-large' });
    expect(aborted).toEqual(['the body broke off', 'the body broke off']);
  });

  it('that nobody takes is let go of: refused, ended before, or without a route', async () => {
    const { run, invoke } = world(async () => OK);
    const left = source();
    await run(routeOf({ body: 'stream' }), left);
    await left.left;
    const nowhere = source();
    await invoke.run(undefined, {}, Buffer.from(''), 1, nowhere);
    await nowhere.left;
    const busy = world(() => new Promise(() => undefined));
    void busy.run();
    const refused = source();
    expect(await busy.run(routeOf({ body: 'stream' }), refused)).toMatchObject({ outcome: 'too-busy' });
    await refused.left;
  });
});
