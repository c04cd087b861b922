import { describe, expect, it } from '@jest/globals';
import { RunTable } from './run-table.js';

describe('a table of runs', () => {
  it('gives back a run once', () => {
    const table = new RunTable<string>();
    table.add(7, 'a');
    expect(table.size).toBe(1);
    expect(table.take(8)).toBeUndefined();
    expect(table.take(7)).toBe('a');
    expect(table.take(7)).toBeUndefined();
    expect(table.size).toBe(0);
  });

  it('keeps runs apart whose keys share a place, whichever ends first', () => {
    for (const order of [
      [5, 1029, 2053],
      [2053, 5, 1029],
      [1029, 2053, 5],
    ]) {
      const table = new RunTable<number>();
      for (const key of [5, 1029, 2053]) table.add(key, key);
      expect(table.size).toBe(3);
      expect(order.map((key) => table.take(key))).toEqual(order);
      expect(table.size).toBe(0);
    }
  });

  it('holds a long run while a hundred thousand pass, and keys beyond 32 bits', () => {
    const table = new RunTable<number>();
    const base = 2 ** 32;
    table.add(base, base);
    for (let key = base + 1; key < base + 100_000; key++) {
      table.add(key, key);
      if (table.take(key) !== key) throw new Error(`${key} was lost`);
    }
    expect(table.size).toBe(1);
    expect(table.take(base)).toBe(base);
  });

  it('hands over all at once and is empty then', () => {
    const table = new RunTable<number>();
    for (const key of [1, 2, 1025]) table.add(key, key);
    expect(table.takeAll().sort()).toEqual([1, 1025, 2]);
    expect(table.size).toBe(0);
    expect([1, 2, 1025].map((key) => table.take(key))).toEqual([undefined, undefined, undefined]);
    table.add(1, 10);
    expect(table.take(1)).toBe(10);
  });
});
