import { describe, expect, it } from '@jest/globals';
import { ERRORS, type ErrorCode, type OutcomeCode } from '#contracts';
import { fromResult } from './from-result.js';

const HELD = ['no-executor', 'not-connected', 'too-busy', 'shutting-down'] satisfies ErrorCode[];
const FINAL: OutcomeCode[] = [
  'ok',
  'failed',
  ...(Object.keys(ERRORS) as ErrorCode[]).filter((code) => !(HELD as ErrorCode[]).includes(code)),
];

describe('what becomes of a message', () => {
  it.each(HELD)('%s: withheld, for it was not run', (code) => {
    expect(fromResult(code, 0)).toBe('withhold');
  });

  it.each(FINAL)('%s: acknowledged, for it has ended', (outcome) => {
    expect(fromResult(outcome, 0)).toBe('puback');
  });

  it('whose call brought no answer is tried again, three times in all', () => {
    expect([1, 2, 3, 4].map((lost) => fromResult('deadline-exceeded', lost))).toEqual([
      'withhold',
      'withhold',
      'puback',
      'puback',
    ]);
  });
});
