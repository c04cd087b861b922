import { describe, expect, it } from '@jest/globals';
import { timeArgument } from './time-argument.js';

const NOW = Date.parse('2026-11-21T12:00:00Z');
const at = (text: string) => timeArgument(text, undefined, NOW);

describe('a time', () => {
  it.each([
    ['30s', '2026-11-21T11:59:30.000Z'],
    ['5m', '2026-11-21T11:55:00.000Z'],
    ['2h', '2026-11-21T10:00:00.000Z'],
    ['7d', '2026-11-14T12:00:00.000Z'],
    ['2026-01-31T10:00:00+01:00', '2026-01-31T09:00:00.000Z'],
    ['2026-01-31', '2026-01-31T00:00:00.000Z'],
  ])('may be %s', (text, expected) => expect(at(text)).toBe(expected));

  it.each(['', 'h', '-2h', '2w', 'yesterday', '2h3m'])('is not %j', (text) => {
    expect(() => at(text)).toThrow(expect.objectContaining({ exitCode: 64 }));
  });
});
