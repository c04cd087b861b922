import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { InHand } from './in-hand.js';
import { EntryFault, type QueueFacts, type SqsQueue } from './sqs-queue.js';

beforeEach(() => void jest.useFakeTimers());
afterEach(() => void jest.useRealTimers());

/** A message of a queue whose visibility is 30 s; `answer` is what SQS says to each extension. */
function inHand(answer: () => Promise<void>) {
  const extensions: number[] = [];
  const faults: unknown[] = [];
  const queue = {
    setVisibility: (_: unknown, seconds: number) => {
      extensions.push(seconds);
      return answer();
    },
  } as unknown as SqsQueue;
  const facts = { visibility: 30 } as QueueFacts;
  const binding = { url: 'u', name: 'orders' };
  const item = new InHand({}, { binding, queue, facts, onFault: (_, error) => faults.push(error) });
  return { item, extensions, faults };
}

describe('a message in hand', () => {
  it('stays ours while its visibility is extended, three times in each', async () => {
    const { item, extensions } = inHand(() => Promise.resolve());
    await jest.advanceTimersByTimeAsync(95_000);
    expect(extensions).toEqual([30, 30, 30, 30, 30, 30, 30, 30, 30]);
    expect(item.isLost).toBe(false);
    await item.letGo();
    await jest.advanceTimersByTimeAsync(60_000);
    expect(extensions).toHaveLength(9);
  });

  it('may be others’ when SQS cannot be reached for so long, and is ours again when an extension is taken', async () => {
    let isThere = false;
    const { item, faults } = inHand(() => (isThere ? Promise.resolve() : Promise.reject(new Error('away'))));
    await jest.advanceTimersByTimeAsync(29_000);
    expect([item.isLost, faults.length]).toEqual([false, 2]);
    await jest.advanceTimersByTimeAsync(2_000);
    expect(item.isLost).toBe(true);
    isThere = true;
    await jest.advanceTimersByTimeAsync(10_000);
    expect(item.isLost).toBe(false);
    await item.letGo();
  });

  it('is lost at once when SQS says so, and no longer extended', async () => {
    const gone = new EntryFault('MessageNotInflight', '', true);
    const { item, extensions, faults } = inHand(() => Promise.reject(gone));
    await jest.advanceTimersByTimeAsync(25_000);
    expect([item.isLost, extensions.length, faults]).toEqual([true, 1, [gone]]);
    await item.letGo();
  });

  it('is lost after twelve hours, whatever is extended', async () => {
    const { item, extensions } = inHand(() => Promise.resolve());
    await jest.advanceTimersByTimeAsync(43_190_000);
    expect([item.isLost, extensions.at(-1)]).toEqual([false, 9]);
    await jest.advanceTimersByTimeAsync(10_000);
    expect(item.isLost).toBe(true);
    await item.letGo();
  });

  it('says nothing of extensions that fail while it is deleted', async () => {
    const { item, faults } = inHand(() => Promise.reject(new Error('deleted')));
    item.ending();
    await jest.advanceTimersByTimeAsync(10_000);
    expect(faults).toEqual([]);
    await item.letGo();
  });
});
