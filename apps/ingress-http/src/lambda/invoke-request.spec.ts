import { describe, expect, it } from '@jest/globals';
import { parseJsonBody } from '#contracts';
import { invokeRequestOf, payloadOf } from './invoke-request.js';

const bytes = (text: string, encoding: BufferEncoding = 'utf8') => Buffer.from(text, encoding);
const nested = (levels: number) => bytes('['.repeat(levels) + ']'.repeat(levels));

describe('a payload', () => {
  it.each<[string, Buffer, boolean]>([
    ['JSON', bytes('{"a":1}'), true],
    ['JSON after a byte order mark', bytes('\ufeff{"a":1}'), true],
    ['JSON of as many levels as handlers take', nested(200), true],
    ['JSON of more', nested(300), false],
    ['half of JSON', bytes('{"a"'), false],
    ['no UTF-8', bytes('"\xff"', 'latin1'), false],
    ['blanks', bytes(' '), false],
  ])('of an Event that is %s is taken as whoever decodes it takes it', (_, body, isTaken) => {
    const badBody = expect.objectContaining({ code: 'bad-body' });
    for (const read of [() => parseJsonBody(body), () => payloadOf('Event', body)])
      if (isTaken) expect(read).not.toThrow();
      else expect(read).toThrow(badBody);
    // Of a call, who decodes it tells the caller.
    expect(payloadOf('RequestResponse', body)).toBe(body);
  });

  it('of nothing is an empty object', () => {
    for (const type of ['Event', 'RequestResponse', 'DryRun'] as const)
      expect(Buffer.from(payloadOf(type, bytes(''))).toString()).toBe('{}');
  });
});

describe('a client context', () => {
  const asked = (context: string) => () => invokeRequestOf({ 'x-amz-client-context': context });
  it('is an object of JSON in base64', () => {
    expect(asked(bytes('{"custom":{"a":1}}').toString('base64'))()).toMatchObject({
      clientContext: { custom: { a: 1 } },
    });
    for (const text of ['[]', '1', 'null', '{', '"\xff'])
      expect(asked(bytes(text, 'latin1').toString('base64'))).toThrow(
        expect.objectContaining({ type: 'InvalidRequestContentException' }),
      );
  });
});
