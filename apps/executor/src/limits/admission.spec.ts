import { describe, expect, it } from '@jest/globals';
import { type ControlPath, type Limits, manifest, type Route } from '#contracts';
import type { Instance } from '../runtime/runtime.js';
import { Admission, allowances } from './admission.js';
import { WorkLimits } from './work-limits.js';

const PATH = 'users/find' as ControlPath;
const INSTANCE = {} as Instance;
const CEILINGS = {
  timeoutMs: 60_000,
  concurrency: 100,
  queue: 50,
  workers: 4,
  warm: 1,
  memoryMb: 512,
  payloadBytes: 1_000,
  ratePerSecond: Number.POSITIVE_INFINITY,
};

/** As a registry writes it: the operator's limits stand in those of the versions too. */
function routeWith(author: Limits, operator?: Limits): Route {
  const limits = { ...author, ...operator };
  const { path: _, ...rest } = manifest.parse({ path: PATH, version: '1.0.0', limits });
  const versions = [{ ...rest, weight: 100, digest: 'sha256:0' }];
  return { path: PATH, revision: 1, versions, aliases: {}, ...(operator ? { limits: operator } : {}) };
}

function world() {
  const admission = new Admission<string>(allowances(CEILINGS));
  const of = (route: Route) => admission.of(INSTANCE, route, route.versions[0] as Route['versions'][0]);
  const refuse = (route: Route, bytes = 0, isPatient = false) =>
    admission.refusal(route, of(route), 'id', bytes, isPatient);
  return { admission, of, refuse };
}

describe('a call', () => {
  it('is refused for its size, at any time, work too', () => {
    const { refuse, admission } = world();
    const route = routeWith({ payloadBytes: 10 });
    expect(refuse(route, 10)).toBeUndefined();
    expect(refuse(route, 11)).toMatchObject({ outcome: 'payload-too-large', status: 413 });
    expect(refuse(route, 11, true)).toMatchObject({ outcome: 'payload-too-large' });
    expect(admission.refusals.get(PATH)).toEqual({ concurrency: 0, rate: 0, payload: 2 });
  });

  it('is refused beyond the rate, and told when there is room; work has been charged already', () => {
    const { refuse } = world();
    const route = routeWith({ ratePerSecond: 0.25, burst: 2 });
    expect([refuse(route), refuse(route)]).toEqual([undefined, undefined]);
    expect(refuse(route)).toMatchObject({
      outcome: 'rate-limited',
      status: 429,
      meta: { headers: { 'retry-after': '4' } },
    });
    expect(refuse(route, 0, true)).toBeUndefined();
  });

  it('is refused beyond the queue, and takes nothing of the rate then', () => {
    const { refuse, of } = world();
    const route = routeWith({ concurrency: 1, queue: 0, ratePerSecond: 1, burst: 1 });
    const { gate, rate } = of(route);
    gate.admit('one', false);
    expect(refuse(route)).toMatchObject({ outcome: 'too-busy', meta: { headers: { 'retry-after': '1' } } });
    expect(rate?.take()).toBe(true);
  });
});

describe('new limits', () => {
  it('hold for the gate and the rate that there are', () => {
    const { of } = world();
    const before = of(routeWith({ concurrency: 5, ratePerSecond: 10 }));
    before.gate.admit('one', false);
    const after = of(
      routeWith({ concurrency: 5, ratePerSecond: 10 }, { concurrency: 200, ratePerSecond: 1 }),
    );
    expect(after.gate).toBe(before.gate);
    expect([after.gate.concurrency, after.gate.running]).toEqual([200, 1]);
    expect(after.rate).toBe(before.rate);
    expect(after.rate?.everyMs).toBe(1_000);
    expect(of(routeWith({})).rate).toBeUndefined();
  });
});

describe('work', () => {
  it('sees what its handler may, and takes of the rate that calls have', () => {
    const { admission, refuse } = world();
    const route = routeWith({ concurrency: 3, ratePerSecond: 2, burst: 1 });
    const routes = new Map([[PATH, route]]);
    const work = new WorkLimits(routes, admission);
    expect(work.of(PATH)).toEqual({ concurrency: 3, everyMs: 500 });
    expect([work.claim(PATH), work.claim(PATH)]).toEqual([true, false]);
    expect(refuse(route)).toMatchObject({ outcome: 'rate-limited' });
    expect(work.waitMs(PATH)).toBeGreaterThan(400);
    routes.clear();
    expect([work.claim(PATH), work.waitMs(PATH)]).toEqual([true, 0]);
  });
});
