import { describe, expect, it } from '@jest/globals';
import { handler } from '../index.js';
import { call } from '../testing.js';

/* Functions of the time before promises, as AWS's documentation has them up to Node.js 22. */

describe('a function with a callback', () => {
  it('answers by it, whatever it returns', async () => {
    const later = handler('later', { event: 'payload' }, (payload, _, callback) => {
      return setImmediate(() => callback(null, { payload }));
    });
    expect(await call(later, { body: 21 })).toMatchObject({ outcome: 'ok', body: { payload: 21 } });
    const nothing = handler('nothing', { event: 'payload' }, (_payload, _context, callback) => callback());
    expect(await call(nothing)).toMatchObject({ outcome: 'ok', body: null });
  });

  it('in the convention of its document', async () => {
    const old = handler('old', { event: 'apigateway-v1' }, (event, _, callback) => {
      callback(null, { statusCode: 203, body: event.path });
      callback(null, { statusCode: 500 });
    });
    const { status, raw } = await call(old);
    expect([status, Buffer.from(raw).toString()]).toEqual([203, '/old']);
  });

  it.each<[string, unknown, unknown]>([
    ['an error', new RangeError('far'), { errorType: 'RangeError', errorMessage: 'far' }],
    ['text', 'far', { errorType: 'string', errorMessage: 'far' }],
  ])('fails with %s', async (_, thrown, expected) => {
    const fails = handler('fails', { event: 'payload' }, (_payload, _context, callback) => {
      process.nextTick(callback, thrown);
    });
    const answer = await call(fails, { source: 'lambda', body: 1 });
    expect(answer).toMatchObject({ outcome: 'handler-error', body: expected });
  });

  it('may throw before it has answered', async () => {
    const throws = handler('throws', { event: 'payload' }, (_payload, _context, _callback) => {
      throw new RangeError('far');
    });
    expect(await call(throws)).toMatchObject({ outcome: 'handler-error' });
  });

  it('or by a promise; the first of both counts', async () => {
    const both = handler('both', { event: 'payload' }, async (payload, _, callback) => {
      if (payload) callback(null, 'called');
      return 'returned';
    });
    expect([(await call(both)).body, (await call(both, { body: 1 })).body]).toEqual(['returned', 'called']);
  });

  it("is given none with the mesh's own event", async () => {
    const own = handler('own', ((...given: unknown[]) => typeof given[2]) as never);
    expect((await call(own)).body).toBe('undefined');
  });
});
