import { describe, expect, it } from '@jest/globals';
import { readPrefer } from './prefer.js';

describe('Prefer (RFC 7240)', () => {
  it.each([
    ['respond-async', true, undefined],
    ['Respond-Async', true, undefined],
    ['return=minimal, respond-async', true, undefined],
    ['respond-async, wait=10', true, 10],
    ['handling=lenient;x="a, b", RESPOND-ASYNC ; y=1 , wait = 20', true, 20],
    ['respond-async=""', true, undefined],
    ['wait="7"', false, 7],
    ['wait=1, wait=2', false, 1],
    ['wait=-1', false, undefined],
    ['wait', false, undefined],
    ['x="respond-async"', false, undefined],
    ['x="a, respond-async, b"', false, undefined],
    ['not-respond-async', false, undefined],
    ['return="respond-async', false, undefined],
    ['', false, undefined],
    [',,;', false, undefined],
  ])('%s', (text, respondAsync, wait) => {
    expect(readPrefer(text)).toEqual({ respondAsync, ...(wait === undefined ? {} : { wait }) });
  });

  it('of a length that nobody means is refused', () => {
    expect(() => readPrefer('"\\"'.repeat(400))).toThrow(expect.objectContaining({ code: 'bad-request' }));
  });
});
