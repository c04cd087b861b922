import { describe, expect, it } from '@jest/globals';
import { ERRORS, type ErrorCode } from '#contracts';
import { fromResult } from './from-result.js';

const CODES = Object.keys(ERRORS) as ErrorCode[];

describe('what becomes of a message', () => {
  it('that the stream has: acknowledged', () => {
    expect(fromResult('accepted')).toBe('acknowledge');
  });

  it('that can never be taken: acknowledged, or it would come again for ever', () => {
    expect(fromResult('payload-too-large')).toBe('acknowledge');
  });

  it.each(CODES.filter((code) => code !== 'payload-too-large'))('%s: withheld', (code) => {
    expect(fromResult(code)).toBe('withhold');
  });
});
