import { describe, expect, it } from '@jest/globals';
import type { Source } from '../../../contracts/src/envelope.js';
import type { EventShape } from '../../../contracts/src/manifest.js';
import { shapeOf } from './run-shaped.js';
import type { Asked } from './shape.js';

/* How what a handler returns is read, in the convention that it was written for. */

const asked = (source: Source, attributes: Record<string, never> | { records: number } = {}): Asked => ({
  path: 'users/find',
  version: '1.0.0',
  envelope: { id: '01890a5d-ac96-774b-bcce-b302099a8057', meta: { source, attributes } },
  raw: new Uint8Array(),
  attempt: 1,
  now: 0,
  http: [],
});

function answered(shape: EventShape, returned: unknown, of: Asked = asked('http')): object {
  const { body, ...answer } = shapeOf(shape, of.envelope.meta.source).answer(returned, of);
  return { ...answer, body: Buffer.from(body).toString() };
}
const OK = { outcome: 'ok', status: 200 };
const JSON_OK = { ...OK, contentType: 'application/json' };
const TEXT = 'text/plain; charset=utf-8';

describe('API Gateway 2.0', () => {
  it.each<[string, unknown, object]>([
    ['a result without a status', { a: 1 }, { ...JSON_OK, body: '{"a":1}' }],
    ['text without a status', 'Hello', { ...JSON_OK, body: 'Hello' }],
    ['nothing', undefined, { ...JSON_OK, body: 'null' }],
    ['a status', { statusCode: 204 }, { outcome: 'ok', status: 204, body: '' }],
    [
      'a status as text',
      { statusCode: '404', body: 'none' },
      { outcome: 'ok', status: 404, contentType: TEXT, body: 'none' },
    ],
    [
      'headers, cookies and base64',
      {
        statusCode: 201,
        headers: { 'Content-Type': 'image/png', 'X-A': 'b' },
        cookies: ['a=1; Secure', 'b=2'],
        body: 'YWJj',
        isBase64Encoded: true,
      },
      {
        outcome: 'ok',
        status: 201,
        contentType: 'image/png',
        meta: { headers: { 'x-a': 'b' }, cookies: ['a=1; Secure', 'b=2'] },
        body: 'abc',
      },
    ],
  ])('takes %s', (_, returned, answer) => {
    expect(answered('apigateway-v2', returned)).toEqual(answer);
  });

  it.each([[{ a: 1 }], [1], [['a']], [new Uint8Array(1)]])('refuses a body that is no text: %j', (body) => {
    for (const isBase64Encoded of [false, true])
      expect(() => answered('apigateway-v2', { statusCode: 200, body, isBase64Encoded })).toThrow(
        expect.objectContaining({ code: 'bad-answer' }),
      );
  });

  it('refuses a status that is none', () => {
    for (const statusCode of ['ok', 99, null, {}])
      expect(() => answered('apigateway-v2', { statusCode })).toThrow(
        expect.objectContaining({ code: 'bad-answer' }),
      );
  });
});

describe('API Gateway 1.0', () => {
  it('takes status, headers of one and of many values, and text', () => {
    const returned = {
      statusCode: 200,
      headers: { 'X-One': '1', 'X-Both': 'single' },
      multiValueHeaders: { 'Set-Cookie': ['a=1', 'b=2'], 'x-both': ['many'] },
      body: '{"a":1}',
    };
    expect(answered('apigateway-v1', returned)).toEqual({
      ...JSON_OK,
      meta: { headers: { 'x-one': '1', 'x-both': 'many', 'set-cookie': ['a=1', 'b=2'] } },
      body: '{"a":1}',
    });
    expect(answered('apigateway-v1', { statusCode: 200, body: null })).toEqual({ ...JSON_OK, body: '' });
  });

  it.each([[{ a: 1 }], ['text'], [undefined], [{ statusCode: 200, body: { a: 1 } }]])(
    'refuses %j, as API Gateway does',
    (returned) => {
      expect(() => answered('apigateway-v1', returned)).toThrow(
        expect.objectContaining({ code: 'bad-answer' }),
      );
    },
  );
});

describe('SQS', () => {
  it.each([[undefined], [null], [''], [{}], [{ batchItemFailures: null }], [{ batchItemFailures: [] }]])(
    'takes %j for a success',
    (returned) => {
      expect(answered('sqs', returned)).toMatchObject(OK);
    },
  );

  it.each([
    [{ batchItemFailures: [{ itemIdentifier: '01890a5d-ac96-774b-bcce-b302099a8057' }] }],
    [{ batchItemFailures: [{ itemIdentifier: '' }] }],
    [{ batchItemFailures: [{ wrong: 'x' }] }],
    [{ batchItemFailures: 'x' }],
    ['failed'],
    [[1]],
  ])('takes %j for a failure, to be tried again', (returned) => {
    expect(() => answered('sqs', returned)).toThrow(expect.objectContaining({ code: 'handler-error' }));
  });

  it('leaves the answer to a batch to the queue that made it', () => {
    const returned = { batchItemFailures: [{ itemIdentifier: 'm-1' }] };
    expect(answered('sqs', returned, asked('sqs', { records: 2 }))).toEqual({
      ...JSON_OK,
      body: JSON.stringify(returned),
    });
  });
});

describe('CloudEvents', () => {
  const event = { specversion: '1.0', id: 'a', source: '/b', type: 'c', data: { d: 1 } };
  it('takes a CloudEvent, and anything else as the mesh does', () => {
    expect(answered('cloudevents', event)).toEqual({
      ...OK,
      contentType: 'application/cloudevents+json',
      body: JSON.stringify(event),
    });
    expect(answered('cloudevents', { ...event, type: '' })).toMatchObject(JSON_OK);
    expect(answered('cloudevents', undefined)).toEqual({ outcome: 'ok', status: 204, body: '' });
    expect(answered('cloudevents', 'text')).toMatchObject({ contentType: TEXT });
  });
});

describe('the payload', () => {
  it.each<[unknown, string]>([
    [{ statusCode: 500 }, '{"statusCode":500}'],
    ['grüß', '"grüß"'],
    [undefined, 'null'],
    [0, '0'],
  ])('takes %j for the result itself', (returned, body) => {
    expect(answered('payload', returned)).toEqual({ ...JSON_OK, body });
  });

  it('refuses what has no JSON', () => {
    expect(() => answered('payload', () => 1)).toThrow(expect.objectContaining({ code: 'bad-answer' }));
  });
});

describe('a caller who speaks Lambda', () => {
  it.each(['mesh', 'apigateway-v1', 'apigateway-v2', 'sqs', 'cloudevents', 'payload'] as const)(
    'gets what a %s handler returned',
    (shape) => {
      const returned = { statusCode: 404, body: 'none' };
      expect(answered(shape, returned, asked('lambda'))).toEqual({
        ...JSON_OK,
        body: JSON.stringify(returned),
      });
    },
  );
});
