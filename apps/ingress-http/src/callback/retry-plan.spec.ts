import { describe, expect, it } from '@jest/globals';
import { GIVE_UP_MS, verdictOf, waitAfter } from './retry-plan.js';

describe('a callback that did not get there', () => {
  it.each([
    [1, 0, 1_000],
    [1, 0.999_999, 500],
    [2, 0, 2_000],
    [5, 0, 16_000],
    [40, 0, 1_800_000],
  ])('after attempt %d, drawing %d, waits %d ms', (attempts, draw, wait) => {
    expect(waitAfter(attempts, 0, undefined, draw)).toBeCloseTo(wait, -1);
  });

  it.each([
    ['120', 120_000],
    ['999999', 3_600_000],
    ['Wed, 21 Oct 2026 07:28:00 GMT', 1_000],
    ['-5', 1_000],
  ])('is asked to come back after %s', (retryAfter, wait) => {
    expect(waitAfter(1, 0, retryAfter, 0)).toBe(wait);
  });

  it('is given up after a day', () => {
    expect(waitAfter(50, GIVE_UP_MS - 1_800_001, undefined, 0)).toBe(1_800_000);
    expect(waitAfter(50, GIVE_UP_MS - 1_799_999, undefined, 0)).toBeUndefined();
  });

  it('is tried about sixty times until then', () => {
    let [age, attempts] = [0, 0];
    for (
      let wait: number | undefined = 0;
      wait !== undefined;
      wait = waitAfter(++attempts, age, undefined, 0.5)
    )
      age += wait;
    expect(attempts).toBeGreaterThan(40);
    expect(attempts).toBeLessThan(100);
  });
});

describe('what a status says', () => {
  it.each([
    [200, 'sent'],
    [204, 'sent'],
    [301, 'again'],
    [400, 'again'],
    [404, 'again'],
    [410, 'never'],
    [429, 'again'],
    [500, 'again'],
  ])('%d: %s', (status, verdict) => {
    expect(verdictOf(status)).toBe(verdict);
  });
});
