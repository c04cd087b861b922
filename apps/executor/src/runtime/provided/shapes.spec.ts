import { describe, expect, it } from '@jest/globals';
import { type ControlPath, decodeHeaders, type EventMeta, type EventShape, encodeEvent } from '#contracts';
import type { HandlerSpec } from '../runtime.js';
import { answerOf, type Shaped, shapedOf } from './shapes.js';

/* How a program's answer is read that has come to its end as bytes, perhaps half of what it should be. */

const ID = '01890a5d-ac96-774b-bcce-b302099a8057';

function shaped(meta: EventMeta, event?: EventShape): Shaped {
  const spec = { path: 'a' as ControlPath, version: '1.0.0', provided: { http: [], event } };
  const headers = decodeHeaders(encodeEvent({ id: ID, meta }));
  return shapedOf(spec as unknown as HandlerSpec, ['run', 0, ID, headers, undefined, 1, 0]);
}

function answered(body: string | Uint8Array, meta: EventMeta, event?: EventShape): object {
  const { body: bytes, ...outcome } = answerOf(shaped(meta, event), Buffer.from(body));
  return { ...outcome, body: Buffer.from(bytes).toString() };
}

const QUEUE: EventMeta = { source: 'sqs' };
const CUT_OFF = '{"batchItemFailures":[{"itemIdentifier":"m"}';

describe('an answer that is no JSON', () => {
  it.each([CUT_OFF, 'done', '{"a": NaN}', '\ufeff{}'])('to a message of a queue is a failure: %j', (text) => {
    expect(answered(text, QUEUE)).toMatchObject({ outcome: 'handler-error' });
    expect(answered(text, { source: 'http' }, 'sqs')).toMatchObject({ outcome: 'handler-error' });
  });

  it.each(['', ' \n', 'null', '{}'])('to a message of a queue is none where it is empty: %j', (text) => {
    expect(answered(text, QUEUE)).toMatchObject({ outcome: 'ok' });
  });

  it('to a batch goes to the queue, which takes all of it for failed', () => {
    const { body } = answered(CUT_OFF, { source: 'sqs', attributes: { records: 2 } }) as { body: string };
    expect(JSON.parse(body)).toBe(CUT_OFF);
  });

  it.each(['text', '', '{"statusCode":200'])('to API Gateway 1.0 is none: %j', (text) => {
    expect(answered(text, { source: 'http' }, 'apigateway-v1')).toMatchObject({ outcome: 'bad-answer' });
  });

  it.each(['apigateway-v2', 'payload', 'cloudevents', 'mesh'] as const)(
    'to %s is text, or bytes',
    (event) => {
      expect(answered('text', { source: 'http' }, event)).toEqual({
        outcome: 'ok',
        status: 200,
        contentType: 'text/plain; charset=utf-8',
        body: 'text',
      });
      expect(answered(Uint8Array.of(255), { source: 'http' }, event)).toMatchObject({
        contentType: 'application/octet-stream',
      });
    },
  );

  it.each(['apigateway-v1', 'sqs', 'payload', undefined] as const)(
    "to a caller of Lambda's API goes on as it is: %s",
    (event) => {
      // What Python makes of `float('nan')`, and a line that a shell prints: no string of either.
      for (const body of ['{"a": NaN}', 'Hello'])
        expect(answered(body, { source: 'lambda' }, event)).toEqual({
          outcome: 'ok',
          status: 200,
          contentType: 'application/octet-stream',
          body,
        });
    },
  );
});
