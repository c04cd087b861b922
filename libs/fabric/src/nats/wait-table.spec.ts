import { describe, expect, it } from '@jest/globals';
import { WaitTable } from './wait-table.js';

describe('a wait table', () => {
  it('gives back what waits under a token, once', () => {
    const table = new WaitTable<string>();
    const [a, b] = [table.add('a'), table.add('b')];
    expect(table.size).toBe(2);
    expect(table.has(b)).toBe(true);
    expect(table.take(a)).toBe('a');
    expect(table.take(a)).toBeUndefined();
    expect(table.has(a)).toBe(false);
    expect(table.size).toBe(1);
  });

  it('uses a slot again under another token: who comes late gets nothing', () => {
    const table = new WaitTable<string>();
    const late = table.add('first');
    table.take(late);
    const token = table.add('second');
    expect(token).not.toBe(late);
    expect(table.take(late)).toBeUndefined();
    expect(table.take(token)).toBe('second');
  });

  it('knows nobody under what is no token', () => {
    const table = new WaitTable<string>();
    table.add('a');
    for (const text of ['', '-', '0', '0-1', '1-0', 'toString', '-1-0', '9'.repeat(400)])
      expect([text, table.take(text)]).toEqual([text, undefined]);
    expect(table.size).toBe(1);
  });

  it('gives tokens that are one word of a NATS subject, and counts through many', () => {
    const table = new WaitTable<number>();
    const tokens = Array.from({ length: 2_000 }, (_, n) => table.add(n));
    expect(new Set(tokens).size).toBe(tokens.length);
    expect(tokens.every((token) => /^[0-9a-z]+-[0-9a-z]+$/.test(token))).toBe(true);
    expect(tokens.map((token) => table.take(token))).toEqual(tokens.map((_, n) => n));
    expect(table.size).toBe(0);
  });
});
