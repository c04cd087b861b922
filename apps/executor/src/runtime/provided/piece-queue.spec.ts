import { describe, expect, it } from '@jest/globals';
import { PieceQueue } from './piece-queue.js';

describe('pieces that wait', () => {
  it.each([
    [1, 512],
    [256, 512],
    [1_000, 131],
    [200_000, 0],
  ])('of %d bytes are held up behind %d', async (bytes, most) => {
    let isPaused = false;
    const queue = new PieceQueue({
      pause: () => {
        isPaused = true;
      },
      resume: () => {
        isPaused = false;
      },
    });
    let count = 0;
    for (; !isPaused; count++) queue.push(Buffer.alloc(bytes));
    expect(count).toBe(most + 1);
    expect((await queue.next()).value).toHaveLength(count * bytes);
    expect(isPaused).toBe(false);
  });
});
