import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { mintMeshId } from './mesh-id.js';

describe('a mesh-id', () => {
  afterEach(() => {
    jest.restoreAllMocks();
  });

  it('is a UUIDv7 of now', () => {
    const before = Date.now();
    const id = mintMeshId();
    expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    const ms = Number.parseInt(id.replace('-', '').slice(0, 12), 16);
    expect(ms).toBeGreaterThanOrEqual(before);
    expect(ms).toBeLessThanOrEqual(Date.now());
  });

  it('is minted in ascending order, none twice, past the end of the pool of random bytes', () => {
    const ids = Array.from({ length: 5_000 }, mintMeshId);
    expect(new Set(ids).size).toBe(ids.length);
    expect([...ids].sort()).toEqual(ids);
  });

  it('still ascends when the clock goes back', () => {
    const first = mintMeshId();
    jest.spyOn(Date, 'now').mockReturnValue(1);
    expect([mintMeshId(), mintMeshId()].every((id) => id > first)).toBe(true);
  });

  it('ends in random bits that differ each time', () => {
    const ends = Array.from({ length: 2_000 }, () => mintMeshId().slice(-10));
    expect(new Set(ends).size).toBe(ends.length);
  });
});
