import { describe, expect, it } from '@jest/globals';
import { FairSlots, type LaneLimits, PARK_MS } from './fair-slots.js';

/** Slots under a clock of their own, with what they decided. */
function world(slots: number) {
  let now = 0;
  const started: string[] = [];
  const deferred: [value: string, delayMs: number][] = [];
  const limits = new Map<string, LaneLimits>();
  const tokens = new Map<string, number>();
  const fair = new FairSlots<string>(
    slots,
    {
      limits: (path) => limits.get(path) ?? { concurrency: Number.POSITIVE_INFINITY, everyMs: 0 },
      claim: (path) => {
        const left = tokens.get(path) ?? Number.POSITIVE_INFINITY;
        tokens.set(path, Math.max(0, left - 1));
        return left > 0;
      },
      start: (value) => void started.push(value),
      defer: (value, delayMs) => void deferred.push([value, delayMs]),
    },
    () => now,
    () => 0.5,
  );
  let count = 0;
  return {
    fair,
    limits,
    tokens,
    started,
    deferred,
    pass: (ms: number) => {
      now += ms;
      fair.expire();
    },
    /** So many events of a path arrive. */
    arrive: (path: string, many = 1) => {
      for (let n = 0; n < many; n++) fair.take(path, `${path}${count++}`);
    },
    leave: (path: string, tookMs: number) => fair.leave(path, now - tookMs),
  };
}

describe('slots', () => {
  it('a lone path has half of them; one more gets its own at once', () => {
    const { fair, arrive, deferred } = world(8);
    arrive('a', 10);
    expect(fair.of('a')).toEqual({ running: 4, parked: 6 });
    arrive('b', 1);
    expect(fair.of('b')).toEqual({ running: 1, parked: 0 });
    expect(deferred).toEqual([]);
  });

  it('however many paths there are, each runs one at a time at least, and never more than there are slots', () => {
    const { fair, arrive, leave } = world(4);
    for (const path of ['a', 'b', 'c', 'd', 'e']) arrive(path, 3);
    expect(fair.running).toBe(4);
    expect(fair.of('e').running).toBe(0);
    leave('b', 10);
    expect(fair.running).toBe(4);
  });

  it('what is parked starts in its turn, among paths one after the other', () => {
    const { arrive, leave, started } = world(2);
    arrive('a', 3);
    arrive('b', 2);
    expect(started).toEqual(['a0', 'b3']);
    leave('a', 1);
    leave('b', 1);
    leave('a', 1);
    leave('b', 1);
    expect(started.sort()).toEqual(['a0', 'a1', 'a2', 'b3', 'b4']);
  });

  it('what was parked for too long goes back, all but a few; from then on more goes back at once', () => {
    const { fair, arrive, pass, deferred } = world(16);
    arrive('slow', 18);
    expect(fair.of('slow')).toEqual({ running: 8, parked: 10 });
    pass(PARK_MS);
    expect(deferred).toEqual([]);
    pass(1);
    expect(fair.of('slow')).toEqual({ running: 8, parked: 2 });
    expect(deferred).toHaveLength(8);
    arrive('slow', 5);
    expect(deferred).toHaveLength(13);
    arrive('other', 2);
    expect(fair.of('other')).toEqual({ running: 2, parked: 0 });
  });

  it('turns are given out at the pace at which slots become free, and none beyond half a minute', () => {
    const { arrive, pass, deferred, leave } = world(16);
    arrive('slow', 8);
    pass(4_000);
    leave('slow', 4_000);
    arrive('slow', 1);
    arrive('slow', 100);
    pass(PARK_MS + 1);
    const delays = deferred.map(([, ms]) => ms);
    // Eight at a time of four seconds each: one every half second.
    expect(delays.slice(0, 3)).toEqual([500, 1_000, 1_500].map((ms) => expect.closeTo(ms, -2)));
    expect(Math.max(...delays)).toBeLessThanOrEqual(30_000);
    expect(delays.at(-1)).toBe(22_500);
  });

  it('a path that had nothing to send back for a while is as any other again', () => {
    const { fair, arrive, pass, leave } = world(8);
    arrive('a', 9);
    pass(PARK_MS + 1);
    for (let n = 0; n < 5; n++) leave('a', 10);
    expect(fair.of('a').running + fair.of('a').parked).toBe(0);
    pass(2_001);
    arrive('a', 9);
    expect(fair.of('a')).toEqual({ running: 4, parked: 5 });
  });

  it('a quick path that was held up once sends back what had to wait, and nothing after it', () => {
    const { fair, arrive, pass, leave, deferred } = world(16);
    arrive('quick', 1);
    leave('quick', 2);
    arrive('quick', 16);
    pass(PARK_MS + 1);
    expect(deferred).toHaveLength(6);
    for (let n = 0; n < 10; n++) leave('quick', 2);
    arrive('quick', 16);
    expect(fair.of('quick')).toEqual({ running: 8, parked: 8 });
    expect(deferred).toHaveLength(6);
  });

  it('no path has more than its handler runs at once, and the others have what it leaves', () => {
    const { fair, limits, arrive, leave } = world(16);
    limits.set('narrow', { concurrency: 2, everyMs: 0 });
    arrive('narrow', 20);
    expect(fair.of('narrow').running).toBe(2);
    arrive('wide', 20);
    expect(fair.of('wide').running).toBe(5);
    leave('narrow', 10);
    expect(fair.of('narrow').running).toBe(2);
    // The operator allows more: from the next one on.
    limits.set('narrow', { concurrency: 4, everyMs: 0 });
    leave('narrow', 10);
    expect(fair.of('narrow').running).toBe(4);
  });

  it('a path with a rate starts when it may, holds no slot meanwhile, and its turns are given out at that pace', () => {
    const { fair, limits, tokens, arrive, leave, pass, started, deferred } = world(16);
    limits.set('slow', { concurrency: 100, everyMs: 500 });
    tokens.set('slow', 1);
    arrive('slow', 4);
    leave('slow', 5);
    expect(fair.of('slow')).toEqual({ running: 0, parked: 3 });
    tokens.set('slow', 1);
    pass(100);
    expect([started.length, fair.of('slow').running]).toEqual([2, 1]);
    leave('slow', 5);
    arrive('other', 8);
    expect(fair.of('other').running).toBe(5);
    pass(PARK_MS);
    arrive('slow', 3);
    const delays = deferred.filter(([value]) => value.startsWith('slow')).map(([, ms]) => ms);
    expect(delays.length).toBeGreaterThanOrEqual(3);
    for (const [n, delay] of delays.entries()) expect(delay).toBeCloseTo(500 * (n + 1), -2);
  });

  it('gives up all that is parked at the end', () => {
    const { fair, arrive, leave } = world(4);
    arrive('a', 4);
    expect(fair.empty()).toEqual(['a2', 'a3']);
    expect(fair.parked).toBe(0);
    leave('a', 1);
    leave('a', 1);
    expect(fair.running).toBe(0);
  });

  it('holds its bounds whatever happens', () => {
    const { fair, arrive, leave, pass } = world(12);
    let seed = 7;
    const draw = (n: number) => {
      seed = (seed * 48_271) % 2_147_483_647;
      return seed % n;
    };
    for (let step = 0; step < 20_000; step++) {
      const path = `p${draw(6)}`;
      if (draw(2) === 0) arrive(path);
      else if (fair.of(path).running > 0) leave(path, draw(500));
      if (draw(20) === 0) pass(draw(400));
      expect(fair.running).toBeLessThanOrEqual(12);
      expect(fair.of(path).running).toBeLessThanOrEqual(6);
    }
    let sum = 0;
    for (let n = 0; n < 6; n++) sum += fair.of(`p${n}`).running;
    expect(sum).toBe(fair.running);
  });
});
