import { describe, expect, it } from '@jest/globals';
import type { HandlerFunction } from '../author-types.js';
import { handler as define } from '../definition.js';
import { resolveHandler } from '../resolve-handler.js';
import type { Loaded } from './loaded.js';
import { parametersOf } from './parameters.js';
import { runEvent } from './run-event.js';

type Run = HandlerFunction<unknown>;

function loaded(run: unknown, stated: Partial<Loaded> = {}): Loaded {
  const handler = resolveHandler({ default: define('users/find', run as never) });
  return {
    handler,
    path: 'users/find',
    version: '1.0.0',
    event: 'mesh',
    http: [],
    params: parametersOf([]),
    takesStreams: false,
    takesBatches: false,
    ...stated,
  };
}

const ran = (run: unknown, event: unknown, stated: Partial<Loaded> = {}) =>
  runEvent(loaded(run, stated), {
    id: '8476a536-e9f4-11e8-9739-2dfe598c3fcd',
    body: Buffer.from(JSON.stringify(event)),
    deadline: performance.now() + 10_000,
    log: () => undefined,
  });

async function answer(run: unknown, event: unknown, stated: Partial<Loaded> = {}) {
  const result = await ran(run, event, stated);
  if (!('answer' in result)) throw new Error(JSON.stringify(result));
  return JSON.parse(Buffer.from(result.answer).toString());
}

/** AWS's own example of payload 2.0, shortened where values repeat. */
const HTTP_V2 = {
  version: '2.0',
  routeKey: '$default',
  rawPath: '/users/7/find',
  rawQueryString: 'id=42&tag=a&tag=b%20c',
  cookies: ['cookie1=1', 'cookie2=2'],
  headers: { 'Content-Type': 'application/json', 'x-forwarded-for': '192.0.2.1, 192.0.2.2' },
  queryStringParameters: { id: '42', tag: 'a,b c' },
  requestContext: {
    accountId: '123456789012',
    apiId: 'api-id',
    domainName: 'id.execute-api.us-east-1.amazonaws.com',
    domainPrefix: 'id',
    http: {
      method: 'POST',
      path: '/users/7/find',
      protocol: 'HTTP/1.1',
      sourceIp: '192.0.2.1',
      userAgent: 'agent',
    },
    requestId: 'id',
    routeKey: '$default',
    stage: '$default',
    time: '12/Mar/2020:19:03:58 +0000',
    timeEpoch: 1583348638390,
  },
  body: 'eyJuYW1lIjoiQWRhIn0=',
  isBase64Encoded: true,
};

const HTTP_V1 = {
  resource: '/users/{user}/find',
  path: '/users/7/find',
  httpMethod: 'POST',
  headers: { 'Content-Type': 'application/json', Header1: 'last' },
  multiValueHeaders: { 'Content-Type': ['application/json'], Header1: ['first', 'last'] },
  queryStringParameters: { id: '42', tag: 'b c' },
  multiValueQueryStringParameters: { id: ['42'], tag: ['a', 'b c'] },
  pathParameters: { user: '7' },
  requestContext: { httpMethod: 'POST', stage: '$default' },
  body: '{"name":"Ada"}',
  isBase64Encoded: false,
};

const seen: Run = ({ id, path, source, method, query, params, headers, body }) => ({
  id,
  path,
  source,
  method,
  query,
  params,
  cookie: headers.cookie,
  body,
});

const asHttp = {
  id: '8476a536-e9f4-11e8-9739-2dfe598c3fcd',
  path: 'users/find',
  source: 'http',
  method: 'POST',
  query: { id: '42', tag: ['a', 'b c'] },
  params: { user: '7' },
  body: { name: 'Ada' },
};

describe('an event of API Gateway', () => {
  it('of payload 2.0 is the event of an HTTP request, its parameters found by the trigger', async () => {
    const { body, ...rest } = await answer(seen, HTTP_V2, { params: parametersOf(['/users/{user}/find']) });
    expect(rest).toEqual({
      statusCode: 200,
      headers: { 'content-type': 'application/json' },
      isBase64Encoded: false,
    });
    expect(JSON.parse(body)).toEqual({ ...asHttp, cookie: 'cookie1=1; cookie2=2' });
  });

  it('of payload 1.0 is the same event', async () => {
    const { body } = await answer(seen, HTTP_V1);
    expect(JSON.parse(body)).toEqual(asHttp);
  });

  it('of a named stage has a path without the stage', async () => {
    const run: Run = ({ params }) => params;
    const staged = (rawPath: string) => ({
      ...HTTP_V2,
      rawPath,
      requestContext: { ...HTTP_V2.requestContext, stage: 'prod' },
    });
    const params = parametersOf(['/users/{user}/find', '/']);
    const paramsAt = async (rawPath: string) =>
      JSON.parse((await answer(run, staged(rawPath), { params })).body);
    expect(await paramsAt('/prod/users/7/find')).toEqual({ user: '7' });
    expect(await paramsAt('/users/7/find')).toEqual({ user: '7' });
    expect(await paramsAt('/prod')).toEqual({});
    const path = ({ path: asked }: { path: string }) => ({ statusCode: 200, body: asked });
    const pathAt = async (rawPath: string) =>
      (await answer(path, staged(rawPath), { event: 'apigateway-v1' })).body;
    expect(await pathAt('/prod/users')).toBe('/users');
    expect(await pathAt('/prod')).toBe('/');
    expect(await pathAt('/production/users')).toBe('/production/users');
  });

  it('that came by a catch-all has the parameters of both, the gateway and the trigger', async () => {
    const run: Run = ({ params }) => params;
    const params = parametersOf(['/users/{user}/find']);
    for (const event of [HTTP_V2, HTTP_V1]) {
      const caught = { ...event, pathParameters: { proxy: 'users/7/find' } };
      const { body } = await answer(run, caught, { params });
      expect(JSON.parse(body)).toEqual({ proxy: 'users/7/find', user: '7' });
    }
  });

  it('may have a method and a path alone', async () => {
    const { body, statusCode } = await answer(seen, { httpMethod: 'GET', path: '/x' });
    expect([statusCode, JSON.parse(body).method]).toEqual([200, 'GET']);
  });

  it('of a load balancer has a query that is still encoded', async () => {
    const event = {
      ...HTTP_V1,
      requestContext: { elb: {} },
      multiValueQueryStringParameters: { tag: ['b%20c'] },
    };
    const { body } = await answer(seen, event);
    expect(JSON.parse(body).query).toEqual({ tag: 'b c' });
  });

  it('is answered with status, headers, cookies and bytes', async () => {
    const run = () => ({
      statusCode: 201,
      headers: { 'x-many': ['a', 'b'], 'content-type': 'image/png' },
      cookies: ['a=1; Path=/', 'b=2'],
      body: new Uint8Array([137, 80, 78, 71]),
    });
    expect(await answer(run, HTTP_V2)).toEqual({
      statusCode: 201,
      headers: { 'content-type': 'image/png', 'x-many': 'a, b' },
      cookies: ['a=1; Path=/', 'b=2'],
      body: 'iVBORw==',
      isBase64Encoded: true,
    });
    expect(await answer(run, HTTP_V1)).toEqual({
      statusCode: 201,
      headers: { 'content-type': 'image/png' },
      multiValueHeaders: { 'x-many': ['a', 'b'], 'set-cookie': ['a=1; Path=/', 'b=2'] },
      body: 'iVBORw==',
      isBase64Encoded: true,
    });
  });

  it("is answered with the handler's own no, and with what the caller did wrong", async () => {
    const no: Run = (_, context) => context('FAIL', { error: 'Missing ?id=' });
    expect(await answer(no, HTTP_V2)).toMatchObject({ statusCode: 400, body: '{"error":"Missing ?id="}' });
    const malformed = { ...HTTP_V2, body: '{', isBase64Encoded: false };
    const { statusCode, body } = await answer(no, malformed);
    expect([statusCode, JSON.parse(body).code]).toEqual([400, 'bad-body']);
  });
});

describe('a payload of the caller’s own', () => {
  it('is the body, and its fields are the query', async () => {
    const run: Run = ({ source, query, body }) => ({ source, query, body });
    expect(await answer(run, { name: 'Ada' })).toEqual({
      source: 'lambda',
      query: { name: 'Ada' },
      body: { name: 'Ada' },
    });
  });

  it('is answered with the value: text as a string, bytes as they are, nothing as null', async () => {
    expect(await answer(() => 'hé', 1)).toBe('hé');
    expect(await ran(() => new Uint8Array([255]), 1)).toEqual({ answer: new Uint8Array([255]), ok: true });
    expect(await answer(() => undefined, 1)).toBeNull();
    expect(await answer(() => [1, { a: null }], 1)).toEqual([1, { a: null }]);
  });

  it('is answered with an error when the handler throws or says no', async () => {
    const thrown = await ran(() => {
      throw new RangeError('too far');
    }, {});
    expect(thrown).toMatchObject({
      error: {
        category: 'Function.Error',
        document: {
          errorType: 'RangeError',
          errorMessage: 'too far',
          trace: expect.arrayContaining(['RangeError: too far']),
        },
      },
    });
    const no: Run = (_, context) => context('FAIL', { error: 'no' });
    expect(await ran(no, {})).toMatchObject({
      error: {
        category: 'Function.Failed',
        document: { errorType: 'Failed', errorMessage: '{"error":"no"}', trace: [], statusCode: 400 },
      },
    });
  });

  it('is told the whole of a no, and its status', async () => {
    const pad = 'x'.repeat(40_000);
    const no: Run = (_, context) => context('FAIL', { pad }, { status: 404 });
    expect(await ran(no, {})).toMatchObject({
      error: { document: { errorMessage: JSON.stringify({ pad }), statusCode: 404 } },
    });
  });

  it('may be a CloudEvent', async () => {
    const event = {
      specversion: '1.0',
      id: '1',
      source: '/s',
      type: 't',
      data: { n: 1 },
    };
    const run: Run = ({ cloudEvent, body }) => ({ cloudEvent, body });
    expect(await answer(run, event)).toEqual({
      cloudEvent: { id: '1', source: '/s', type: 't' },
      body: { n: 1 },
    });
  });
});

const record = (messageId: string, body: string, group?: string, queue = 'orders') => ({
  messageId,
  receiptHandle: 'AQEB',
  body,
  attributes: { ApproximateReceiveCount: '2', ...(group ? { MessageGroupId: group } : {}) },
  messageAttributes: { colour: { dataType: 'String', stringValue: 'red' } },
  md5OfBody: 'e4e68fb7bd0e697a0ae8f1bb342846b3',
  eventSource: 'aws:sqs',
  eventSourceARN: `arn:aws:sqs:us-east-1:123456789012:${queue}`,
  awsRegion: 'us-east-1',
});
const failures = (...ids: string[]) => ({
  batchItemFailures: ids.map((itemIdentifier) => ({ itemIdentifier })),
});

describe('a handler that was written for Lambda', () => {
  it('gets the very document, and what it returns is the answer', async () => {
    const echo = (event: unknown) => ({ statusCode: 200, event });
    for (const [shape, event] of [
      ['apigateway-v2', HTTP_V2],
      ['apigateway-v1', HTTP_V1],
      ['apigateway-v1', { action: 'hello', name: 'Elixir' }],
      ['sqs', { Records: [record('1', 'a')] }],
    ] as const)
      expect(await answer(echo, event, { event: shape })).toEqual({ statusCode: 200, event });
  });

  it('gets the document of its own version from a gateway of the other', async () => {
    const run = (event: { httpMethod: string; path: string }) => ({
      statusCode: 201,
      body: `${event.httpMethod} ${event.path}`,
    });
    expect(await answer(run, HTTP_V2, { event: 'apigateway-v1' })).toMatchObject({
      statusCode: 201,
      body: 'POST /users/7/find',
    });
  });

  it('gets payloads of HTTP requests and messages as well', async () => {
    const run = (payload: unknown) => ({ payload });
    const overHttp = await answer(run, HTTP_V2, { event: 'payload' });
    expect(JSON.parse(overHttp.body)).toEqual({ payload: { name: 'Ada' } });
    expect(await answer(run, { any: 1 }, { event: 'payload' })).toEqual({ payload: { any: 1 } });
    expect(await answer(run, { Records: [record('1', 'a')] }, { event: 'payload' })).toEqual(failures());
  });
});

describe('an answer in pieces', () => {
  it('is sent whole', async () => {
    const run = async function* () {
      yield 'a';
      yield 'b';
    };
    expect(await answer(() => run(), HTTP_V2)).toMatchObject({ statusCode: 200, body: 'ab' });
  });
});

describe('messages of a queue', () => {
  const run: Run = ({ body }, context) => {
    if (body === 'bad') throw new Error('no');
    return body === 'no' ? context('FAIL') : { attempt: context.attempt };
  };

  it('are events of their own; those that did not end OK are given back', async () => {
    const Records = [record('1', 'a'), record('2', 'bad'), record('3', 'b'), record('4', 'no')];
    expect(await answer(run, { Records })).toEqual(failures('2', '4'));
    expect(await answer(run, { Records: [record('1', 'a')] })).toEqual(failures());
  });

  it('of a FIFO queue stop at the first failure; groups of a standard queue are no order', async () => {
    const began: unknown[] = [];
    const noting = (event: { body: string }, context: never) => {
      began.push(event.body);
      return (run as (...args: unknown[]) => unknown)(event, context);
    };
    const from = (queue: string) => ({
      Records: ['a', 'bad', 'b'].map((body, at) => record(`${at + 1}`, body, 'g', queue)),
    });
    expect(await answer(noting, from('orders.fifo'))).toEqual(failures('2', '3'));
    expect(began.splice(0)).toEqual(['a', 'bad']);
    expect(await answer(noting, from('orders'))).toEqual(failures('2'));
    expect(began).toEqual(['a', 'bad', 'b']);
  });

  it('tell what the queue knows of them', async () => {
    const known: unknown[] = [];
    await answer(
      ({ attributes, source }: { attributes: object; source: string }, { attempt }: { attempt: number }) => {
        known.push(source, attempt, attributes);
      },
      { Records: [record('1', 'a')] },
    );
    expect(known).toEqual([
      'sqs',
      2,
      {
        messageId: '1',
        queue: 'orders',
        queueArn: 'arn:aws:sqs:us-east-1:123456789012:orders',
        md5OfBody: 'e4e68fb7bd0e697a0ae8f1bb342846b3',
        systemAttributes: { ApproximateReceiveCount: '2' },
        messageAttributes: { colour: { dataType: 'String', stringValue: 'red' } },
      },
    ]);
  });

  it('arrive together where the handler takes batches, and its own answer stands', async () => {
    const batch = ({ Records }: { Records: { messageId: string }[] }) => ({
      batchItemFailures: [{ itemIdentifier: Records[1]?.messageId }],
    });
    const event = { Records: [record('1', 'a'), record('2', 'b')] };
    expect(await answer(batch, event, { takesBatches: true })).toEqual(failures('2'));
  });
});
