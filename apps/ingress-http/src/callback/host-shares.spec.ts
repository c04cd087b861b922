import { describe, expect, it } from '@jest/globals';
import { HostShares, SHARE } from './host-shares.js';

const filled = () => {
  const shares = new HostShares();
  for (let i = 0; i < SHARE; i++) expect(shares.enter('slow', 0)).toBe(0);
  return shares;
};

describe('a host', () => {
  it('gets its share at a time, and another one gets its own', () => {
    const shares = filled();
    expect(shares.enter('slow', 0)).toBeGreaterThan(0);
    expect(shares.enter('quick', 0)).toBe(0);
    shares.leave('slow', 10, 10);
    expect(shares.enter('slow', 10)).toBe(0);
    expect(shares.enter('slow', 10)).toBeGreaterThan(0);
  });

  it('is come back to at the pace at which it answers', () => {
    const shares = filled();
    for (let i = 0; i < 100; i++) {
      shares.leave('slow', 0, 1_600);
      expect(shares.enter('slow', 0)).toBe(0);
    }
    const waits = Array.from({ length: 5 }, () => shares.enter('slow', 0));
    const gaps = waits.slice(1).map((wait, i) => Math.round(wait - (waits[i] as number)));
    expect(gaps).toEqual([25, 25, 25, 25]);
    expect(Math.max(...Array.from({ length: 3_000 }, () => shares.enter('slow', 0)))).toBe(60_000);
  });

  it('is forgotten when nothing is sent to it any more', () => {
    const shares = filled();
    const wait = shares.enter('slow', 0);
    for (let i = 0; i < SHARE; i++) shares.leave('slow', wait + 1, 5);
    expect(shares.size).toBe(0);
    shares.leave('slow', 0, 5);
  });
});
