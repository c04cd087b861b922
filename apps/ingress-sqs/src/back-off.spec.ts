import { describe, expect, it } from '@jest/globals';
import { backOffSeconds, readRetryAfter } from './back-off.js';

const RULE = { first: 2, most: 300 };

describe('the wait before a message is delivered again', () => {
  it('doubles with each receive, up to the most, and is spread over its upper half', () => {
    const least = [1, 2, 3, 4, 8, 9, 99].map((n) => backOffSeconds(n, RULE, 0, () => 0));
    const longest = [1, 2, 3, 4, 8, 9, 99].map((n) => backOffSeconds(n, RULE, 0, () => 1));
    expect(least).toEqual([1, 2, 4, 8, 128, 150, 150]);
    expect(longest).toEqual([2, 4, 8, 16, 256, 300, 300]);
  });

  it('is never 0, never less than what the handler asked for, never more than SQS takes', () => {
    expect(backOffSeconds(1, { first: 0, most: 300 })).toBe(1);
    expect(backOffSeconds(1, RULE, 59.2)).toBe(60);
    expect(backOffSeconds(9, RULE, 1_000_000)).toBe(43_200);
  });
});

describe('Retry-After', () => {
  it.each([
    ['120', 120],
    [['7'], 7],
    ['Fri, 01 Jan 2100 00:00:10 GMT', 10],
    ['Fri, 01 Jan 1999 00:00:00 GMT', 0],
  ])('%s', (value, seconds) => expect(readRetryAfter(value, Date.UTC(2100, 0, 1))).toBe(seconds));
  it.each([[undefined], [''], ['soon'], [[]]])('%j says nothing', (value) =>
    expect(readRetryAfter(value)).toBeUndefined(),
  );
});
