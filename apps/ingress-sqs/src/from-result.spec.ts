import { describe, expect, it } from '@jest/globals';
import { ERRORS, type ErrorCode, type OutcomeCode } from '#contracts';
import { fromResult } from './from-result.js';

const HELD = [
  'no-executor',
  'not-connected',
  'too-busy',
  'rate-limited',
  'shutting-down',
  'queue-full',
  'catalogue-unavailable',
  'store-unavailable',
] satisfies ErrorCode[];
const RELEASED: OutcomeCode[] = [
  'failed',
  ...(Object.keys(ERRORS) as ErrorCode[]).filter((code) => !(HELD as ErrorCode[]).includes(code)),
];

describe('what becomes of a message', () => {
  it('is deleted after OK, and after nothing else', () => {
    expect(fromResult('ok')).toBe('delete');
    expect([...HELD, ...RELEASED].map(fromResult)).not.toContain('delete');
  });

  it.each(HELD)('%s: held, for it was not run', (code) => {
    expect(fromResult(code)).toBe('hold');
  });

  it.each(RELEASED)('%s: left to the redrive of its queue', (code) => {
    expect(fromResult(code)).toBe('release');
  });
});
