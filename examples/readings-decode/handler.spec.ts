import { describe, expect, it } from '@jest/globals';
import { call } from '@lambda-mesh/handler/testing';
import * as decode from './handler.js';

const reading = { device: 'dev-1', value: 42, time: 1_678_886_400 };

describe('readings/decode', () => {
  it('decodes a line of text, from a device or in a body', async () => {
    const body = 'dev-1,42,1678886400';
    expect(await call(decode, { source: 'mqtt', body })).toMatchObject({ outcome: 'ok', body: reading });
    expect(await call(decode, { body, headers: { 'content-type': 'text/csv' } })).toMatchObject({
      body: reading,
    });
  });

  it('decodes the payload that a client of the first worker sends', async () => {
    expect(await call(decode, { body: { payload: 'dev-1,42,1678886400' } })).toMatchObject({ body: reading });
  });

  it.each(['', 'dev-1', 'dev-1,x,1', ',1,2', 'dev-1,1,2,3', 'dev-1,,'])('throws for %j', async (body) => {
    expect(await call(decode, { source: 'sqs', body })).toMatchObject({ outcome: 'handler-error' });
  });
});
