import { describe, expect, it } from '@jest/globals';
import { timesOf } from './times.js';

const NOW = Date.parse('2030-01-31T12:00:00Z');
const SECOND = 1_000;
const DAY = 86_400 * SECOND;

describe('when work is to run', () => {
  it.each<[Record<string, string>, object]>([
    [{}, {}],
    [{ 'mesh-delay': '0' }, {}],
    [{ 'mesh-delay': '90' }, { startsAt: NOW + 90 * SECOND }],
    [{ 'mesh-delay': '0.5' }, { startsAt: NOW + 500 }],
    [{ 'mesh-at': '2030-02-01T12:00:00Z' }, { startsAt: NOW + DAY }],
    [{ 'mesh-at': '2030-02-01T13:00:00.000+01:00' }, { startsAt: NOW + DAY }],
    [{ 'mesh-at': '2029-01-01T00:00:00Z' }, {}],
    [{ 'mesh-expires': '2030-02-01T12:00:00Z' }, { expires: NOW + DAY }],
    [
      { 'mesh-delay': '1', 'mesh-expires': '2030-01-31T12:00:02Z' },
      { startsAt: NOW + SECOND, expires: NOW + 2 * SECOND },
    ],
  ])('%j', (headers, times) => {
    expect(timesOf(headers, NOW)).toEqual(times);
  });

  it.each<[Record<string, string>, string]>([
    [{ 'mesh-delay': '1', 'mesh-at': '2030-02-01T12:00:00Z' }, 'not both'],
    [{ 'mesh-delay': '-1' }, 'mesh-delay'],
    [{ 'mesh-delay': '1h' }, 'mesh-delay'],
    [{ 'mesh-delay': '1, 2' }, 'mesh-delay'],
    [{ 'mesh-delay': '99999999' }, 'a year'],
    [{ 'mesh-at': 'tomorrow' }, 'mesh-at'],
    [{ 'mesh-at': '2030-02-01T12:00:00' }, 'mesh-at'],
    [{ 'mesh-at': '2030-13-01T12:00:00Z' }, 'mesh-at'],
    [{ 'mesh-at': '2032-02-01T12:00:00Z' }, 'a year'],
    [{ 'mesh-expires': '2030-01-31T12:00:00Z' }, 'mesh-expires'],
    [{ 'mesh-delay': '60', 'mesh-expires': '2030-01-31T12:00:30Z' }, 'mesh-expires'],
  ])('%j is refused', (headers, why) => {
    expect(() => timesOf(headers, NOW)).toThrow(
      expect.objectContaining({ code: 'bad-request', detail: expect.stringContaining(why) }),
    );
  });
});
