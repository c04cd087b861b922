import { describe, expect, it } from '@jest/globals';
import { call } from '@lambda-mesh/handler/testing';
import count from './handler.js';

describe('orders/count', () => {
  it('tells which messages of a batch failed', async () => {
    const Records = [
      { messageId: '1', body: '{"quantity":2}' },
      { messageId: '2', body: 'what?' },
      { messageId: '3', body: '{"quantity":40}' },
    ];
    const answer = await call(count, {
      source: 'sqs',
      body: { Records },
      attributes: { queue: 'q', records: 3 },
    });
    expect(answer.body).toEqual({ batchItemFailures: [{ itemIdentifier: '2' }] });
    expect(answer.logs).toMatchObject([{ message: '42 ordered', fields: { failed: 1 } }]);
  });

  it('takes an event of any other source for one message', async () => {
    expect(await call(count, { source: 'mqtt', body: { quantity: 1 } })).toMatchObject({ outcome: 'ok' });
    expect(await call(count, { source: 'mqtt', body: 'what?' })).toMatchObject({ outcome: 'handler-error' });
  });
});
