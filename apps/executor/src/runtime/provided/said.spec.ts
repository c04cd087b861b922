import { describe, expect, it } from '@jest/globals';
import { saidOf } from './said.js';

describe('a line that a program prints', () => {
  it.each([
    ['plain', { level: 'info', message: 'plain' }],
    ['{"no":"message"}', { level: 'info', message: '{"no":"message"}' }],
    ['{"message":"cut', { level: 'info', message: '{"message":"cut' }],
    ['{"message":"a"}', { level: 'info', message: 'a' }],
    [
      '{"timestamp":"2026-01-01T00:00:00Z","level":"WARN","requestId":"r","message":"b","n":1}',
      { level: 'warn', message: 'b', id: 'r', fields: { n: 1 } },
    ],
    ['{"level":7,"message":"c"}', { level: 'info', message: 'c' }],
    ['{"level":"constructor","message":"d"}', { level: 'info', message: 'd' }],
    ['{"level":{"toString":null,"valueOf":null},"message":"e"}', { level: 'info', message: 'e' }],
    ['{"level":["error"],"message":"f"}', { level: 'info', message: 'f' }],
    ['{"__proto__":null,"message":"g"}', { level: 'info', message: 'g', fields: { ['__proto__']: null } }],
    ['{', { level: 'info', message: '{' }],
  ])('%s', (line, said) => expect(saidOf(line)).toEqual(said));
});
