import { describe, expect, it } from '@jest/globals';
import { covers, filterFault } from './topic-filter.js';

describe('a filter covers', () => {
  it.each([
    ['a/b', 'a/b'],
    ['a/+', 'a/b'],
    ['a/+', 'a/'],
    ['+/+', '/b'],
    ['/+', '/b'],
    ['#', 'a/b/c'],
    ['#', '/'],
    ['a/#', 'a/b/c'],
    ['a/#', 'a'],
    ['a/+/#', 'a/b'],
    ['a/#', 'a/+/c'],
    ['a/+', 'a/+'],
    ['#', '+/a'],
    ['#', '#'],
    ['$SYS/#', '$SYS/broker'],
  ])('%s ⊇ %s', (outer, inner) => {
    expect(covers(outer, inner)).toBe(true);
  });

  it.each([
    ['a/b', 'a/b/c'],
    ['a/b/c', 'a/b'],
    ['a/+', 'a'],
    ['a/+', 'a/b/c'],
    ['+', '/a'],
    ['a/b', 'A/b'],
    ['a/+', 'a/#'],
    ['+/+', '#'],
    ['a/b', 'a/+'],
    ['a/#', 'ab'],
    ['#', '$SYS/broker'],
    ['+/broker', '$SYS/broker'],
  ])('%s ⊉ %s', (outer, inner) => {
    expect(covers(outer, inner)).toBe(false);
  });
});

describe('a filter', () => {
  it.each(['a', 'a/b', '+', '#', '+/a/#', '/', 'a//b', 'ü/b'])('may be %s', (filter) => {
    expect(filterFault(filter)).toBeUndefined();
  });

  it.each(['#/a', 'a/#/b', 'a+', '+a/b', 'a/b#', '##', '$SYS/#', '$share/g/a', '$JS/API'])(
    'may not be %s',
    (filter) => {
      expect(filterFault(filter)).toBeDefined();
    },
  );
});
