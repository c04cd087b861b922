import type { Message } from '@aws-sdk/client-sqs';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { Receiving } from './receiving.js';

beforeEach(() => void jest.useFakeTimers());
afterEach(() => void jest.useRealTimers());

interface Call {
  readonly most: number;
  readonly wait: number;
  /** The queue answers with so many. */
  give(count: number): Promise<void>;
  fail(error: Error): Promise<void>;
}

const settled = () => jest.advanceTimersByTimeAsync(0);

/** A receiving whose queue is answered for by hand; what it takes stays in hand until `done`. */
function started(concurrency: number) {
  const calls: Call[] = [];
  const state = { inHand: 0, isWanted: true, end: undefined as unknown };
  const stop = new AbortController();
  const receiving = new Receiving({
    concurrency,
    inHand: () => state.inHand,
    isWanted: () => state.isWanted,
    receive: (most, wait) => {
      const { promise, resolve, reject } = Promise.withResolvers<Message[]>();
      calls.push({
        most,
        wait,
        give: async (count) => {
          resolve(Array.from({ length: count }, () => ({})));
          await settled();
        },
        fail: async (error) => {
          reject(error);
          await settled();
        },
      });
      return promise;
    },
    take: (messages) => {
      state.inHand += messages.length;
    },
  });
  const run = () => receiving.run(stop.signal, Number.POSITIVE_INFINITY);
  const running = run().catch((error: unknown) => {
    state.end = error;
  });
  const done = async (count: number) => {
    state.inHand -= count;
    receiving.wake();
    await settled();
  };
  return { calls, state, stop, receiving, running, run, done };
}

describe('receiving', () => {
  it('is one long poll while little comes', async () => {
    const { calls } = started(64);
    await calls[0]?.give(0);
    await calls[1]?.give(3);
    expect(calls.map(({ most, wait }) => [most, wait])).toEqual([
      [10, 20],
      [10, 20],
      [10, 20],
    ]);
  });

  it('grows side by side while each comes back full, and shrinks when one comes back empty', async () => {
    const { calls } = started(1_000);
    for (let index = 0; index < 20; index++) await calls[index]?.give(10);
    // Eight under way beside the twenty that are through.
    expect(calls).toHaveLength(28);
    expect(new Set(calls.slice(20).map(({ wait }) => wait))).toEqual(new Set([1]));
    for (let index = 20; index < 28; index++) await calls[index]?.give(0);
    expect(calls).toHaveLength(29);
    expect(calls[28]?.wait).toBe(20);
  });

  it('never asks for more than there is room for', async () => {
    const { calls, done } = started(15);
    await calls[0]?.give(10);
    await jest.advanceTimersByTimeAsync(1_000);
    expect(calls.map(({ most }) => most)).toEqual([10, 5]);
    await calls[1]?.give(5);
    await jest.advanceTimersByTimeAsync(1_000);
    expect(calls).toHaveLength(2);
    await done(1);
    await jest.advanceTimersByTimeAsync(1_000);
    expect(calls.map(({ most }) => most)).toEqual([10, 5, 1]);
  });

  it('waits for a whole batch of room on a full queue, yet not for long', async () => {
    const { calls, done } = started(10);
    await calls[0]?.give(10);
    await done(4);
    await jest.advanceTimersByTimeAsync(50);
    expect(calls).toHaveLength(1);
    await done(6);
    expect(calls[1]?.most).toBe(10);
    await calls[1]?.give(10);
    await done(4);
    await jest.advanceTimersByTimeAsync(100);
    expect(calls[2]?.most).toBe(4);
  });

  it('stops while it is not wanted, and goes on when it is woken', async () => {
    const { calls, state, receiving } = started(64);
    state.isWanted = false;
    await calls[0]?.give(10);
    await jest.advanceTimersByTimeAsync(5_000);
    expect(calls).toHaveLength(1);
    state.isWanted = true;
    receiving.wake();
    await settled();
    expect(calls.length).toBeGreaterThan(1);
  });

  it('ends with the fault of a receive, and takes what the others bring all the same', async () => {
    const { calls, state, run, stop, running } = started(64);
    await calls[0]?.give(10);
    expect(calls).toHaveLength(3);
    await calls[1]?.fail(new Error('gone'));
    expect(state.end).toEqual(new Error('gone'));
    await calls[2]?.give(7);
    expect(state.inHand).toBe(17);
    const again = run();
    await settled();
    expect(calls.length).toBeGreaterThan(3);
    stop.abort();
    await Promise.all([again, running]);
  });
});
