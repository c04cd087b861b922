import { describe, expect, it } from '@jest/globals';
import { Restarts } from './restarts.js';

function world() {
  let now = 0;
  const restarts = new Restarts(
    () => now,
    () => 1,
  );
  return {
    restarts,
    pass: (ms: number) => {
      now += ms;
    },
  };
}

describe('workers that end', () => {
  it('are followed by another at once, sixty times; then one a second', () => {
    const { restarts } = world();
    expect(Array.from({ length: 60 }, () => restarts.ended())).toEqual(Array(60).fill(0));
    expect([restarts.ended(), restarts.ended()]).toEqual([1_000, 2_000]);
  });

  it('now and then never wait', () => {
    const { restarts, pass } = world();
    for (let i = 0; i < 1_000; i++) {
      pass(1_000);
      expect(restarts.ended()).toBe(0);
    }
  });

  it('are forgiven with time, up to the first sixty', () => {
    const { restarts, pass } = world();
    for (let i = 0; i < 65; i++) restarts.ended();
    pass(3_600_000);
    expect(Array.from({ length: 61 }, () => restarts.ended()).filter((wait) => wait > 0)).toEqual([1_000]);
  });
});

describe('starts after an end', () => {
  it('are prompt for the first four, then one in 200 ms', () => {
    const { restarts, pass } = world();
    const pauses = Array.from({ length: 6 }, () => {
      restarts.ended();
      const pause = restarts.pause();
      pass(pause + 20);
      return pause;
    });
    expect(pauses).toEqual([0, 0, 0, 0, 120, 180]);
  });

  it('are prompt again after a while', () => {
    const { restarts, pass } = world();
    for (let i = 0; i < 10; i++) restarts.ended();
    expect(restarts.pause()).toBe(1_200);
    pass(2_000);
    restarts.ended();
    expect(restarts.pause()).toBe(0);
  });

  it('do not wait where nothing ended', () => {
    expect(world().restarts.pause()).toBe(0);
  });
});

describe('modules that do not load', () => {
  it('are tried once more at once, then later and later', () => {
    const { restarts } = world();
    const waits = Array.from({ length: 12 }, () => restarts.neverReady());
    expect(waits.slice(0, 5)).toEqual([0, 100, 200, 400, 800]);
    expect(Math.max(...waits)).toBe(30_000);
  });

  it('are trusted again after one that did', () => {
    const { restarts } = world();
    for (let i = 0; i < 5; i++) restarts.neverReady();
    restarts.loaded();
    expect(restarts.neverReady()).toBe(0);
  });
});
