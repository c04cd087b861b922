import { describe, expect, it } from '@jest/globals';
import { handler } from '../index.js';
import { call } from '../testing.js';

/* Handlers of every shape, called as an author's own test calls them. */

describe('a handler that asks for', () => {
  it("API Gateway's 2.0 has its document and Lambda's context", async () => {
    const find = handler(
      'users/find',
      { event: 'apigateway-v2', triggers: [{ http: { method: 'GET', path: '/users/{id}' } }] },
      (event, context) => ({
        statusCode: 203,
        headers: { 'x-route': event.routeKey },
        body: JSON.stringify([event.queryStringParameters?.a, context.functionName, context.functionVersion]),
      }),
    );
    const answer = await call(find, { query: { a: '1' } });
    expect([answer.status, answer.outcome, answer.raw && Buffer.from(answer.raw).toString()]).toEqual([
      203,
      'ok',
      '["1","users/find","0.0.0"]',
    ]);
    expect(answer.headers['x-route']).toBe('GET /users/{id}');
  });

  it("API Gateway's 1.0 answers as there, or not at all", async () => {
    const old = handler('old', { event: 'apigateway-v1' }, ({ httpMethod, body }) =>
      body === null ? 'not an answer' : { statusCode: 200, body: httpMethod },
    );
    expect(await call(old, { body: 'x' })).toMatchObject({
      outcome: 'ok',
      headers: { 'content-type': 'application/json' },
    });
    expect(await call(old)).toMatchObject({ outcome: 'bad-answer', status: 500 });
  });

  it('SQS is given records from any source', async () => {
    const sum = handler('sum', { event: 'sqs' }, ({ Records }) => {
      if (Records[0]?.body === 'bad')
        return { batchItemFailures: [{ itemIdentifier: Records[0].messageId }] };
      return undefined;
    });
    expect(await call(sum, { source: 'mqtt', body: 'good' })).toMatchObject({ outcome: 'ok' });
    expect(await call(sum, { source: 'sqs', body: 'bad' })).toMatchObject({
      outcome: 'handler-error',
      status: 500,
    });
  });

  it('a CloudEvent, with what was stated', async () => {
    const echo = handler('echo', { event: 'cloudevents' }, (event) => ({
      ...event,
      id: `${event.id}-answer`,
    }));
    const answer = await call<{ id: string; data: unknown }>(echo, {
      body: { a: 1 },
      cloudEvent: { id: 'x', type: 't' },
    });
    expect(answer.headers['content-type']).toBe('application/cloudevents+json');
    expect(JSON.parse(Buffer.from(answer.raw).toString())).toMatchObject({
      id: 'x-answer',
      type: 't',
      data: { a: 1 },
    });
  });

  it('the payload, also where its export is called handle', async () => {
    const double = handler('double', { event: 'payload' }, (payload) => Number(payload) * 2);
    expect((await call(double, { body: 21 })).body).toBe(42);
  });

  it("the mesh's own event, for a caller who speaks Lambda", async () => {
    const own = handler('own', (event, context) => {
      if (event.query.throw) throw new RangeError('far');
      return event.query.fail ? context('FAIL', { no: 1 }) : { statusCode: 404, body: event.query.id };
    });
    const lambda = { source: 'lambda' } as const;
    expect((await call(own, { ...lambda, body: { id: '7' } })).body).toEqual({ statusCode: 404, body: '7' });
    expect(await call(own, { ...lambda, body: { fail: 1 } })).toMatchObject({
      outcome: 'failed',
      body: { no: 1 },
    });
    expect(await call(own, { ...lambda, body: { throw: 1 } })).toMatchObject({
      outcome: 'handler-error',
      body: { errorType: 'RangeError', errorMessage: 'far', trace: [] },
    });
  });

  it('its body in pieces, for a caller who speaks Lambda', async () => {
    const upload = handler('upload', { body: 'stream' }, async ({ stream }) => {
      let text = '';
      for await (const piece of stream) text += Buffer.from(piece).toString();
      if (text === '"throw"') throw new RangeError('far');
      return { statusCode: 404, body: text };
    });
    const lambda = { source: 'lambda' } as const;
    expect((await call(upload, { ...lambda, body: { a: 1 } })).body).toEqual({
      statusCode: 404,
      body: '{"a":1}',
    });
    expect((await call(upload, { ...lambda, body: '"throw"' })).body).toMatchObject({
      errorType: 'RangeError',
    });
    expect(await call(upload, { ...lambda, body: '{nope' })).toMatchObject({ outcome: 'bad-body' });
  });
});

describe('the types of a shape', () => {
  it('are those of its document', () => {
    // @ts-expect-error an event of 2.0 has no httpMethod
    handler('a', { event: 'apigateway-v2' }, ({ httpMethod }) => httpMethod);
    // @ts-expect-error there is no such shape
    handler('a', { event: 'kafka' }, () => 1);
    handler('a', { event: 'sqs', version: '1.0.0' }, ({ Records }, { getRemainingTimeInMillis }) =>
      Records.length > getRemainingTimeInMillis() ? 1 : 2,
    );
    expect(true).toBe(true);
  });
});
