import { describe, expect, it } from '@jest/globals';
import { StartGate } from './start-gate.js';

const settled = () => new Promise((resolve) => setImmediate(resolve));

describe('starts', () => {
  it('go on a few at a time, in their order', async () => {
    const gate = new StartGate(2, 60_000);
    const begun: number[] = [];
    const leaves: (() => void)[] = [];
    for (const n of [1, 2, 3, 4])
      void gate.turn().then((leave) => {
        begun.push(n);
        leaves.push(leave);
      });
    await settled();
    expect([begun, gate.waiting]).toEqual([[1, 2], 2]);
    // Twice is once: a worker that was ready and has ended has left already.
    for (let times = 0; times < 2; times++) leaves[0]?.();
    await settled();
    expect(begun).toEqual([1, 2, 3]);
    for (const leave of leaves) leave();
    await settled();
    expect(begun).toEqual([1, 2, 3, 4]);
    for (const leave of leaves) leave();
  });

  it('that hang keep nobody waiting for long', async () => {
    const gate = new StartGate(1, 20);
    await gate.turn();
    const next = await gate.turn();
    expect(gate.waiting).toBe(0);
    next();
  });
});
