import { describe, expect, it, jest } from '@jest/globals';
import { type ControlPath, type LiveVersion, manifest, type Route } from '#contracts';
import { allowances } from '../limits/admission.js';
import type { HandlerPort, HandlerSpec, Instance } from '../runtime/runtime.js';
import type { ArtifactCache } from './artifact-cache.js';
import { Instances } from './instances.js';

/** An instance that is as busy as the test says, and knows whether it was let go. */
class Fake implements Instance {
  inFlight = 0;
  closed = false;
  #idle: (() => void)[] = [];
  constructor(readonly spec: HandlerSpec) {}
  invoke = () => Promise.reject(new Error('not here'));
  abort(): void {}
  warmed = 0;
  rests = 0;
  async warm(): Promise<void> {
    this.warmed++;
  }
  states = () => ({ starting: 0, ready: 1, leaving: 0, ended: 0 });
  rest(): void {
    this.rests++;
  }
  done(): void {
    this.inFlight = 0;
    for (const resolve of this.#idle.splice(0)) resolve();
  }
  async close(): Promise<void> {
    this.closed = true;
    if (this.inFlight > 0) await new Promise<void>((resolve) => this.#idle.push(resolve));
  }
}

const CEILINGS = {
  timeoutMs: 30_000,
  concurrency: 10,
  queue: 10,
  workers: 4,
  warm: 1,
  memoryMb: 512,
  payloadBytes: Number.POSITIVE_INFINITY,
  ratePerSecond: Number.POSITIVE_INFINITY,
};

function world(max = 2, environment: Record<string, string> = {}, idleSeconds = 0) {
  const made: Fake[] = [];
  const dropped: string[] = [];
  const artifacts = {
    folder: async (digest: string) => digest,
    drop: async (digest: string) => void dropped.push(digest),
  } as unknown as ArtifactCache;
  const runtime = (spec: HandlerSpec) => {
    made.push(new Fake(spec));
    return made.at(-1) as Fake;
  };
  const instances = new Instances(
    runtime,
    {} as HandlerPort,
    artifacts,
    environment,
    max,
    allowances(CEILINGS),
    idleSeconds,
  );
  return {
    instances,
    made,
    dropped,
    get: (path: string, v?: Partial<LiveVersion>) =>
      instances.get({ path: path as ControlPath }, live(v)) as Fake,
  };
}

function live(change: Partial<LiveVersion> = {}): LiveVersion {
  const { path: _, ...version } = manifest.parse({ path: 'a', version: '1.0.0' });
  return { ...version, digest: 'sha256:1', weight: 100, ...change };
}
const routeWith = (path: string, ...versions: LiveVersion[]) => ({ path, versions }) as unknown as Route;
const settled = () => new Promise((resolve) => setImmediate(resolve));

describe('instances', () => {
  it('are one for each path, version and digest', () => {
    const { get } = world(9);
    const first = get('a');
    expect(get('a')).toBe(first);
    expect(get('b')).not.toBe(first);
    expect(get('a', { version: '2.0.0' })).not.toBe(first);
    // A registry that was set up anew may give the same number to other bytes.
    expect(get('a', { digest: 'sha256:2' })).not.toBe(first);
  });

  it('beyond the limit: the one that was idle longest is let go', () => {
    const { get, made } = world(2);
    get('a');
    get('b');
    get('a');
    get('c');
    expect(made.map(({ spec, closed }) => [spec.path, closed])).toEqual([
      ['a', false],
      ['b', true],
      ['c', false],
    ]);
  });

  it('that are let go of for others leave no files, unless another path has the same', async () => {
    const { get, dropped } = world(2);
    get('a', { digest: 'sha256:own' });
    get('b');
    get('c');
    await settled();
    expect(dropped).toEqual(['sha256:own']);
    get('d');
    await settled();
    expect(dropped).toEqual(['sha256:own']);
  });

  it('never let go of one that is busy, nor of the one that is just asked for', () => {
    const { get, made } = world(2);
    for (const path of ['a', 'b']) get(path).inFlight = 1;
    const extra = get('c');
    expect(extra.closed).toBe(false);
    extra.inFlight = 1;
    expect(made.some(({ closed }) => closed)).toBe(false);
    made[0]?.done();
    get('d');
    expect(made.map(({ spec, closed }) => [spec.path, closed])).toEqual([
      ['a', true],
      ['b', false],
      ['c', false],
      ['d', false],
    ]);
  });

  it('that the route names no more are let go, and their files after what they still do', async () => {
    const { get, instances, dropped } = world(9);
    const old = get('a');
    old.inFlight = 1;
    const other = get('b');
    const next = live({ version: '2.0.0', digest: 'sha256:2' });
    instances.retain('a' as ControlPath, routeWith('a', next));
    expect([old.closed, other.closed]).toEqual([true, false]);
    await settled();
    expect(dropped).toEqual([]);
    old.done();
    await settled();
    expect(dropped).toEqual([]);
    instances.retain('b' as ControlPath, undefined);
    await settled();
    // Only now does nobody use these bytes any more: both paths had the same.
    expect(dropped).toEqual(['sha256:1']);
  });

  it('of a path that is in use are warm before they are called; of one that nobody called, none is made', () => {
    const { get, instances, made } = world(9);
    get('a');
    const [now, pinned] = [live({ version: '2.0.0' }), live({ version: '3.0.0', weight: 0 })];
    instances.retain('a' as ControlPath, routeWith('a', live(), now, pinned));
    instances.retain('b' as ControlPath, routeWith('b', live()));
    expect(made.map(({ spec, warmed }) => [spec.path, spec.version, warmed])).toEqual([
      ['a', '1.0.0', 1],
      ['a', '2.0.0', 1],
    ]);
  });

  it('are asked to rest, again and again, until they are closed', async () => {
    jest.useFakeTimers();
    try {
      const { get, instances } = world(9, {}, 10);
      const one = get('a');
      jest.advanceTimersByTime(25_000);
      expect(one.rests).toBe(2);
      await instances.close();
      jest.advanceTimersByTime(25_000);
      expect(one.rests).toBe(2);
    } finally {
      jest.useRealTimers();
    }
  });

  it('that the route still names stay', () => {
    const { get, instances } = world(9);
    const one = get('a');
    instances.retain('a' as ControlPath, routeWith('a', live(), live({ version: '2.0.0' })));
    expect(one.closed).toBe(false);
    expect(get('a')).toBe(one);
  });

  it('close when all are closed', async () => {
    const { get, instances } = world(9);
    const busy = get('a');
    busy.inFlight = 1;
    let closed = false;
    const closing = instances.close().then(() => {
      closed = true;
    });
    await settled();
    expect(closed).toBe(false);
    busy.done();
    await closing;
  });

  it("see the operator's values for this mesh before the executor's own, and are made anew when they change", () => {
    const { get, instances } = world(9, { DATABASE_URL: 'own', REGION: 'eu' });
    const asking = { env: ['DATABASE_URL', 'REGION'] };
    const set = live({ ...asking, environment: { DATABASE_URL: 'staging' } });
    const first = get('a', asking);
    const second = instances.get({ path: 'a' as ControlPath }, set) as Fake;
    expect(first.spec.environment).toEqual({ DATABASE_URL: 'own', REGION: 'eu' });
    expect(second.spec.environment).toEqual({ DATABASE_URL: 'staging', REGION: 'eu' });
    expect(get('a', { ...asking, environment: { DATABASE_URL: 'staging' } })).toBe(second);
    instances.retain('a' as ControlPath, routeWith('a', set));
    expect([first.closed, second.closed]).toEqual([true, false]);
  });

  it('see of the environment what their manifest lists and the operator offers', () => {
    const { get } = world(9, { DATABASE_URL: 'postgresql://x', SMTP_URL: 'smtp://x' });
    const { spec } = get('a', { env: ['DATABASE_URL', 'NOT_OFFERED'] });
    expect(spec.environment).toEqual({ DATABASE_URL: 'postgresql://x' });
  });
});
