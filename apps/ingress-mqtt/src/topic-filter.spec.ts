import { describe, expect, it } from '@jest/globals';
import { covers, filterFault, merged, overlap, topicFault } from './topic-filter.js';

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

describe('two filters', () => {
  it.each([
    ['a/+/c', 'a/b/+', 'a/+/+'],
    ['a/#', 'a/b', 'a/#'],
    ['a/#', 'a', 'a/#'],
    ['+/b', 'a/#', '+/#'],
    ['#', '+/+', '#'],
  ])('%s and %s overlap, and %s covers both', (a, b, both) => {
    expect([overlap(a, b), overlap(b, a)]).toEqual([true, true]);
    expect([merged(a, b), merged(b, a)]).toEqual([both, both]);
    expect([covers(both, a), covers(both, b)]).toEqual([true, true]);
  });

  it.each([
    ['a/+', 'b/+'],
    ['a/+', 'a/+/c'],
    ['a', 'a/+'],
    ['+/on', '+/off'],
    ['a/b/#', 'a/c/#'],
  ])('%s and %s do not', (a, b) => {
    expect([overlap(a, b), overlap(b, a)]).toEqual([false, false]);
  });
});

describe('a response topic', () => {
  it.each(['reply/1', 'ü', '/', 'a//b'])('may be %s', (topic) => {
    expect(topicFault(topic)).toBeUndefined();
  });

  it.each(['', '$SYS/a', 'a/+', '#', 'a\u0000b', 'a\nb'])('may not be %j', (topic) => {
    expect(topicFault(topic)).toBeDefined();
  });
});
