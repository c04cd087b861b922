import { describe, expect, it } from '@jest/globals';
import { readWeights, routeText } from './route.js';

describe('weights', () => {
  it.each<[string[], object[]]>([
    [['1.2.0'], [{ version: '1.2.0', weight: 100 }]],
    [
      ['1.2.0=90', '1.3.0=10'],
      [
        { version: '1.2.0', weight: 90 },
        { version: '1.3.0', weight: 10 },
      ],
    ],
    [
      ['1.2.0=0', '1.3.0-rc.1+b=100'],
      [
        { version: '1.2.0', weight: 0 },
        { version: '1.3.0-rc.1+b', weight: 100 },
      ],
    ],
  ])('%j are understood', (texts, expected) => expect(readWeights(texts)).toEqual(expected));

  it.each([
    [['1.2.0', '1.3.0'], 'no version with a weight'],
    [['1.2.0=90', '1.3.0=9'], 'add up to 99'],
    [['1.2=100'], 'no version with a weight'],
    [['1.2.0=-1', '1.3.0=101'], 'no version with a weight'],
    [['1.2.0=1e2'], 'no version with a weight'],
  ])('%j are refused', (texts, reason) => {
    expect(() => readWeights(texts)).toThrow(
      expect.objectContaining({ reason: expect.stringContaining(reason) }),
    );
  });
});

describe('a route', () => {
  it('is shown with its aliases, also of versions that take no calls', () => {
    const live = [
      { version: '1.2.0', weight: 90 },
      { version: '1.3.0', weight: 10 },
    ];
    const aliases = { stable: '1.2.0', good: '1.2.0', canary: '2.0.0' };
    expect(routeText({ path: 'a', revision: 7, live, aliases })).toBe(
      [
        'a, revision 7',
        'version  weight  aliases',
        '1.2.0    90 %    @stable @good',
        '1.3.0    10 %',
        '2.0.0    0 %     @canary',
      ].join('\n'),
    );
  });
});
