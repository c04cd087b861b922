import { describe, expect, it } from '@jest/globals';
import { plain, shortTime, table } from './table.js';

describe('a table', () => {
  it('has columns as wide as their widest cell, and no blanks at the end of a line', () => {
    expect(
      table(
        ['path', 'live'],
        [
          ['a/long/path', '1.0.0'],
          ['b', ''],
        ],
      ),
    ).toBe('path         live\na/long/path  1.0.0\nb');
  });

  it('counts characters, not units of UTF-16', () => {
    expect(table(['a', 'b'], [['λ𝛌', 'x']]).split('\n')[0]).toBe('a   b');
  });

  it('lets nobody steer the terminal', () => {
    expect(table(['a'], [['\u001b[2Jx\u0007\ny\u009b']])).toBe('a\n [2Jx  y');
    expect(plain('\r\u0000')).toBe('  ');
  });
});

describe('a time', () => {
  it('is shown without fractions', () => {
    expect(shortTime('2026-11-21T22:00:05.123Z')).toBe('2026-11-21 22:00:05');
    expect(shortTime(undefined)).toBe('');
  });
});
