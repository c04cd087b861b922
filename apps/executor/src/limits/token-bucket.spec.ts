import { describe, expect, it } from '@jest/globals';
import { TokenBucket } from './token-bucket.js';

function world(rate: number, burst: number) {
  let now = 0;
  const bucket = new TokenBucket(rate, burst, () => now);
  const count = (take: () => boolean): number => {
    let taken = 0;
    while (take()) taken++;
    return taken;
  };
  return {
    bucket,
    pass: (ms: number) => {
      now += ms;
    },
    calls: () => count(() => bucket.take()),
    work: () => count(() => bucket.takeForWork()),
  };
}

describe('a rate', () => {
  it('allows a burst, then so many a second, and never saves up more than a burst', () => {
    const { calls, pass, bucket } = world(10, 5);
    expect(calls()).toBe(5);
    expect(bucket.waitMs()).toBe(100);
    pass(99);
    expect(calls()).toBe(0);
    expect(bucket.waitMs()).toBeCloseTo(1);
    pass(1);
    expect(calls()).toBe(1);
    pass(60_000);
    expect(calls()).toBe(5);
  });

  it('below one a second says truly when there is one', () => {
    const { calls, pass, bucket } = world(0.1, 1);
    expect(calls()).toBe(1);
    pass(4_000);
    expect(bucket.waitMs()).toBeCloseTo(6_000);
  });

  it('is for calls and work in turns, when both wait', () => {
    const { bucket, calls, work, pass } = world(10, 1);
    const taken: string[] = [];
    expect([calls(), work()]).toEqual([1, 0]);
    for (let turn = 0; turn < 60; turn++) {
      pass(50);
      // Whoever calls asks first, and more often.
      if (bucket.take()) taken.push('call');
      if (bucket.takeForWork()) taken.push('work');
    }
    expect(taken.filter((who) => who === 'call')).toHaveLength(15);
    expect(taken.filter((who) => who === 'work')).toHaveLength(15);
  });

  it('waits for no work that has gone', () => {
    const { calls, work, pass } = world(10, 1);
    calls();
    work();
    pass(251);
    expect(calls()).toBe(1);
  });

  it('changes at once, and what was saved up stays as far as it may', () => {
    const { bucket, calls } = world(1, 100);
    bucket.adjust(1_000, 3);
    expect(calls()).toBe(3);
    expect(bucket.waitMs()).toBe(1);
  });
});
