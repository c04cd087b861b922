import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { watchMemory } from './memory-watch.js';

const MB = 1024 * 1024;
const MEMORY_MB = 256;

/** What `megabytes` tells of each moment, ms after the begin, is looked at until `forMs`. */
function watched(megabytes: (ms: number) => number, forMs: number) {
  const began = performance.now();
  const looks: number[] = [];
  let exceededAt: number | undefined;
  const stop = watchMemory({
    memoryMb: MEMORY_MB,
    closestMs: 5,
    bytes: () => {
      looks.push(performance.now() - began);
      return megabytes(performance.now() - began) * MB;
    },
    exceeded: () => {
      exceededAt = performance.now() - began;
    },
  });
  jest.advanceTimersByTime(forMs);
  return { looks, stop, exceededAt };
}

describe('memory', () => {
  beforeEach(() => {
    jest.useFakeTimers();
  });
  afterEach(() => {
    jest.useRealTimers();
  });

  it('that stays as it is is looked at ten times a second', () => {
    const { looks, exceededAt } = watched(() => 50, 10_000);
    expect(looks.length).toBeGreaterThanOrEqual(95);
    expect(looks.length).toBeLessThanOrEqual(105);
    expect(exceededAt).toBeUndefined();
  });

  it.each([1, 2, 4])('that grows by %d GB a second is seen soon after it is too much', (perMs) => {
    const { looks, exceededAt } = watched((ms) => 50 + perMs * ms, 1_000);
    const tooMuchAt = (MEMORY_MB - 50) / perMs;
    expect(exceededAt).toBeGreaterThan(tooMuchAt);
    expect(exceededAt).toBeLessThanOrEqual(tooMuchAt + 6);
    // Said once, and looked at no more; nor more often before than it takes.
    expect(looks.at(-1)).toBe(exceededAt);
    expect(looks.length).toBeLessThan(20);
  });

  it('is not looked at any more once it was stopped', () => {
    const { looks, stop } = watched(() => 50, 1_000);
    const before = looks.length;
    stop();
    jest.advanceTimersByTime(1_000);
    expect(looks).toHaveLength(before);
  });
});
