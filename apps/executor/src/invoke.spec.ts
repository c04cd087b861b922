import { describe, expect, it } from '@jest/globals';
import { type LiveVersion, manifest, type Route, route } from '#contracts';
import type { Outcome } from '#handler/runtime';
import type { Instances } from './catalogue/instances.js';
import { Invoke } from './invoke.js';
import { allowances } from './limits/admission.js';
import type { Instance, Invocation } from './runtime/runtime.js';

const ID = '0190d0c0-0000-7000-8000-000000000001';
const OK: Outcome = { outcome: 'ok', status: 200, body: Buffer.from('ok') };

function routeWith(timeoutMs?: number, more: object = {}): Route {
  const limits = { ...more, ...(timeoutMs === undefined ? {} : { timeoutMs }) };
  const { path: _, ...live } = manifest.parse({ path: 'users/find', version: '1.0.0', limits });
  return route.parse({
    path: 'users/find',
    revision: 1,
    versions: [{ ...live, weight: 100, digest: `sha256:${'0'.repeat(64)}` }],
  });
}

const CEILINGS = {
  timeoutMs: 900_000,
  concurrency: 2,
  queue: 1,
  workers: 1,
  warm: 1,
  memoryMb: 512,
  payloadBytes: 1_000_000,
  ratePerSecond: Number.POSITIVE_INFINITY,
};

/** An instance that does as told, and notes what it is asked. */
function world(answer: () => Promise<Outcome>) {
  const invocations: Invocation[] = [];
  const aborted: [key: number, reason: string][] = [];
  const instance: Instance = {
    inFlight: 0,
    invoke: (invocation) => {
      invocations.push(invocation);
      return answer();
    },
    abort: (key, reason) => void aborted.push([key, reason]),
    warm: async () => undefined,
    states: () => ({ starting: 0, ready: 1, leaving: 0, ended: 0 }),
    rest: () => undefined,
    close: async () => undefined,
  };
  const instances = { get: () => instance, known: () => instance };
  const invoke = new Invoke(instances as unknown as Instances, allowances(CEILINGS));
  const run = (of: Route | undefined, headers: Record<string, string> = {}) =>
    invoke.run(of, headers, Buffer.from('body'), 1);
  return { run, invocations, aborted, invoke, cancel: invoke.cancel.bind(invoke) };
}

describe('an invocation', () => {
  it('runs the version of the route, under the id of the event', async () => {
    const { run, invocations, aborted } = world(async () => OK);
    expect(await run(routeWith(), { 'mesh-id': ID })).toEqual({ id: ID, version: '1.0.0', outcome: OK });
    expect(invocations).toEqual([
      { key: 0, id: ID, headers: { 'mesh-id': ID }, body: Buffer.from('body'), attempt: 1, timeout: 30_000 },
    ]);
    expect(aborted).toEqual([]);
  });

  it('has a key of its own, and an id where the event brought none', async () => {
    const { run, invocations } = world(async () => OK);
    const [one, two] = [await run(routeWith()), await run(routeWith())];
    expect(one.id).toMatch(/^[0-9a-f-]{36}$/);
    expect(one.id).not.toBe(two.id);
    expect(invocations.map(({ key }) => key)).toEqual([0, 1]);
  });

  it.each<[number | undefined, string | undefined, number]>([
    [undefined, undefined, 30_000],
    [undefined, '500', 500],
    [undefined, '60000', 30_000],
    [1_000, undefined, 1_000],
    [1_000, '500', 500],
    [1_000, '2000', 1_000],
    [60_000, undefined, 30_000],
    [60_000, '45000', 45_000],
  ])('with a limit of %p and a caller who waits %p may take %d ms', async (limit, asked, timeout) => {
    const { run, invocations } = world(async () => OK);
    await run(routeWith(limit), asked === undefined ? {} : { 'mesh-timeout': asked });
    expect(invocations[0]?.timeout).toBe(timeout);
  });

  it.each<[number | undefined, number]>([
    [undefined, 30_000],
    [1_000, 1_000],
    [120_000, 120_000],
  ])(
    'for which nobody waits may take as long as its handler may: a limit of %p, %d ms',
    async (limit, ms) => {
      const { invoke, invocations } = world(async () => OK);
      const of = routeWith(limit);
      const [version] = of.versions as [LiveVersion];
      await invoke.version(of, version, { id: ID }, {}, Buffer.from(''), 1, true);
      expect(invocations[0]?.timeout).toBe(ms);
    },
  );

  it('that takes longer is answered, then aborted; what comes later changes nothing', async () => {
    const late = Promise.withResolvers<Outcome>();
    const { run, aborted } = world(() => late.promise);
    const { outcome, version } = await run(routeWith(20));
    expect([outcome.outcome, outcome.detail, version]).toEqual([
      'deadline-exceeded',
      'It took longer than 20 ms.',
      '1.0.0',
    ]);
    expect(aborted).toEqual([[0, 'the deadline passed']]);
    late.resolve(OK);
  });

  it.each<[string, Route | undefined, Record<string, string>]>([
    ['no-route', undefined, {}],
    ['no-version', routeWith(), { 'mesh-version': '9.9.9' }],
    ['bad-event', routeWith(), { 'mesh-id': 'mine' }],
    ['bad-event', routeWith(), { 'mesh-timeout': 'soon' }],
  ])('is %s without running anything', async (code, of, headers) => {
    const { run, invocations } = world(async () => OK);
    const { id, version, outcome } = await run(of, headers);
    expect([outcome.outcome, version]).toEqual([code, undefined]);
    expect(id).toMatch(/^[0-9a-f-]{36}$/);
    expect(JSON.parse(Buffer.from(outcome.body).toString()).instance).toBe(`urn:uuid:${id}`);
    expect(invocations).toEqual([]);
  });

  it('that is cancelled is answered at once, and its handler told why', async () => {
    const { run, aborted, cancel } = world(() => new Promise(() => undefined));
    const running = run(routeWith(), { 'mesh-id': ID });
    cancel('0190d0c0-0000-7000-8000-000000000002', 'client-gone');
    cancel(ID, 'client-gone');
    cancel(ID, 'cancelled');
    expect((await running).outcome).toMatchObject({ outcome: 'client-gone', status: 499 });
    expect(aborted).toEqual([[0, 'the caller went away']]);
  });

  it('that has ended is not cancelled', async () => {
    const { run, aborted, cancel } = world(async () => OK);
    await run(routeWith(), { 'mesh-id': ID });
    cancel(ID, 'cancelled');
    expect(aborted).toEqual([]);
  });

  it('waits behind as many as may run at once, and is refused when too many wait', async () => {
    const ends: (() => void)[] = [];
    const { run, invocations } = world(() => new Promise((resolve) => ends.push(() => resolve(OK))));
    const calls = [run(routeWith()), run(routeWith()), run(routeWith()), run(routeWith())];
    expect((await calls[3])?.outcome).toMatchObject({ outcome: 'too-busy', status: 429 });
    expect(invocations).toHaveLength(2);
    ends[0]?.();
    expect((await calls[0])?.outcome).toBe(OK);
    expect(invocations).toHaveLength(3);
    for (const end of ends) end();
    expect((await calls[2])?.outcome).toBe(OK);
    expect(invocations[2]?.timeout).toBeLessThanOrEqual(30_000);
  });

  it('that ends while it waits leaves its place to another, and its handler alone', async () => {
    const { run, invocations, aborted } = world(() => new Promise(() => undefined));
    const slow = [run(routeWith(100)), run(routeWith(100))];
    expect((await run(routeWith(20))).outcome).toMatchObject({ outcome: 'deadline-exceeded' });
    expect([invocations.length, aborted.length]).toEqual([2, 0]);
    expect((await run(routeWith(20))).outcome).toMatchObject({ outcome: 'deadline-exceeded' });
    for (const { outcome } of await Promise.all(slow)) expect(outcome.outcome).toBe('deadline-exceeded');
  });

  it('of fewer at once, where its manifest says so', async () => {
    const { run, invocations } = world(() => new Promise(() => undefined));
    const narrow = routeWith(50, { concurrency: 1, queue: 0 });
    const first = run(narrow);
    expect((await run(narrow)).outcome).toMatchObject({ outcome: 'too-busy' });
    expect(invocations).toHaveLength(1);
    await first;
  });
});
