import { describe, expect, it } from '@jest/globals';
import { wishOf } from './wish.js';

const NOW = Date.parse('2030-01-31T12:00:00Z');

describe('a caller who waits', () => {
  it.each<[Record<string, string>]>([
    [{}],
    [{ prefer: 'wait=10' }],
    [{ prefer: 'return=minimal' }],
    [{ 'idempotency-key': 'abc' }],
    [{ 'idempotency-key': 'not a key at all "', prefer: 'handling=strict' }],
  ])('is told by %j', (headers) => {
    expect(wishOf(headers, NOW)).toBeUndefined();
  });

  it.each(['mesh-delay', 'mesh-at', 'mesh-expires', 'mesh-callback'])('cannot use %s', (name) => {
    expect(() => wishOf({ [name]: '1' }, NOW)).toThrow(
      expect.objectContaining({ code: 'bad-request', detail: expect.stringContaining(name) }),
    );
  });
});

describe('a caller who does not wait', () => {
  it('says so, and what else it wants', () => {
    expect(wishOf({ prefer: 'respond-async' }, NOW)).toEqual({ times: {} });
    const all = { 'idempotency-key': '"k"', 'mesh-delay': '1', 'mesh-callback': 'https://example.org' };
    expect(wishOf({ prefer: 'respond-async', ...all }, NOW)).toEqual({
      times: { startsAt: NOW + 1_000 },
      key: 'k',
      callback: 'https://example.org',
    });
  });
});
