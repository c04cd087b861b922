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
  ])('%s', (line, said) => expect(saidOf(line)).toEqual(said));
});
