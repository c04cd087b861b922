import { describe, expect, it } from '@jest/globals';
import { etagOf, expectedIn } from './precondition.js';

describe('If-Match', () => {
  it.each([
    [undefined, undefined],
    ['*', 'any'],
    ['"3"', [3]],
    [' "3" , "4"', [3, 4]],
    [etagOf(7), [7]],
    ['"0"', [0]],
    // Strong comparison, and tags of others: they match no revision.
    ['W/"3"', []],
    ['"abc"', []],
    ['"03"', []],
  ])('%s is read', (header, expected) => {
    expect(expectedIn(header)).toEqual(expected);
  });

  it.each(['3', '"3', '', '"3" "4"', '*, "3"'])('%s is refused', (header) => {
    expect(() => expectedIn(header)).toThrow('If-Match');
  });
});
