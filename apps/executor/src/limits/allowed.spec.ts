import { describe, expect, it } from '@jest/globals';
import type { Limits } from '#contracts';
import { type Allowed, allowedOf } from './allowed.js';

const CEILINGS = {
  timeoutMs: 60_000,
  concurrency: 100,
  queue: 50,
  workers: 4,
  warm: 1,
  memoryMb: 512,
  payloadBytes: Number.POSITIVE_INFINITY,
  ratePerSecond: Number.POSITIVE_INFINITY,
};

describe('what a version has', () => {
  it('is safe where nobody said anything', () => {
    expect(allowedOf({}, undefined, CEILINGS)).toEqual({
      ...CEILINGS,
      timeoutMs: 30_000,
      workers: 1,
      warm: 0,
      burst: Number.POSITIVE_INFINITY,
    });
  });

  it.each<[string, Limits, Limits | undefined, Partial<Allowed>]>([
    ['an author asks for less', { concurrency: 3, queue: 0 }, undefined, { concurrency: 3, queue: 0 }],
    [
      'an author asks for more',
      { concurrency: 999, memoryMb: 4_096, timeoutMs: 900_000 },
      undefined,
      CEILINGS,
    ],
    ['an author asks for workers', { workers: 9, warm: 9 }, undefined, { workers: 4, warm: 1 }],
    ['the operator gives more', { memoryMb: 1_024 }, { memoryMb: 1_024 }, { memoryMb: 1_024, queue: 50 }],
    ['warm ones are workers', { workers: 2, warm: 3 }, { workers: 2, warm: 3 }, { workers: 2, warm: 2 }],
    ['a rate', { ratePerSecond: 2.5 }, undefined, { ratePerSecond: 2.5, burst: 3 }],
    ['a slow rate', { ratePerSecond: 0.01 }, undefined, { ratePerSecond: 0.01, burst: 1 }],
    ['a burst', { ratePerSecond: 2.5, burst: 20 }, undefined, { ratePerSecond: 2.5, burst: 20 }],
  ])('%s', (_, own, operator, expected) => {
    const { payloadBytes, ratePerSecond, workers, warm, ...rest } = CEILINGS;
    const wanted = expected === CEILINGS ? { ...rest, queue: 50 } : expected;
    expect(allowedOf(own, operator, CEILINGS)).toMatchObject(wanted);
  });

  it('of a program are one run for each of its workers, unless it says more', () => {
    expect(allowedOf({}, undefined, CEILINGS, true).concurrency).toBe(1);
    expect(allowedOf({ workers: 2 }, undefined, CEILINGS, true).concurrency).toBe(2);
    expect(allowedOf({ workers: 2, concurrency: 8 }, undefined, CEILINGS, true).concurrency).toBe(8);
  });
});
