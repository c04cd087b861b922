import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { Batcher } from './batcher.js';

beforeEach(() => void jest.useFakeTimers());
afterEach(() => void jest.useRealTimers());

describe('entries of requests', () => {
  it('go out ten at once, and the rest when nobody joined it', async () => {
    const sent: number[][] = [];
    const batcher = new Batcher<number>(async (entries) => {
      sent.push([...entries]);
      return [];
    }, 20);
    const all = Promise.all(Array.from({ length: 23 }, (_, index) => batcher.add(index)));
    expect(sent.map(({ length }) => length)).toEqual([10, 10]);
    await jest.advanceTimersByTimeAsync(19);
    expect(sent).toHaveLength(2);
    await jest.advanceTimersByTimeAsync(1);
    await all;
    expect(sent.flat()).toEqual(Array.from({ length: 23 }, (_, index) => index));
  });

  it('do not wait when no other can come', async () => {
    const sent: number[][] = [];
    const batcher = new Batcher<number>(
      async (entries) => {
        sent.push([...entries]);
        return [];
      },
      20,
      () => false,
    );
    const both = Promise.all([batcher.add(1), batcher.add(2)]);
    await jest.advanceTimersByTimeAsync(1);
    await both;
    expect(sent).toEqual([[1, 2]]);
  });

  it('hear each of its own end', async () => {
    const batcher = new Batcher<number>(
      async (entries) => entries.map((entry) => (entry % 2 ? new Error(`no ${entry}`) : undefined)),
      1,
    );
    const ends = Promise.allSettled([batcher.add(0), batcher.add(1), batcher.add(2)]);
    await jest.advanceTimersByTimeAsync(1);
    expect((await ends).map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
  });

  it('all hear of a request that failed', async () => {
    const batcher = new Batcher<number>(() => Promise.reject(new Error('away')), 1);
    const ends = Promise.allSettled([batcher.add(0), batcher.add(1)]);
    await jest.advanceTimersByTimeAsync(1);
    for (const end of await ends) expect(end).toMatchObject({ reason: { message: 'away' } });
  });
});
