import { describe, expect, it } from '@jest/globals';
import type { EventMeta } from '../../../contracts/src/envelope.js';
import type { EventShape, HttpTrigger } from '../../../contracts/src/manifest.js';
import { shapeOf } from './run-shaped.js';
import type { Asked } from './shape.js';

/* Whole documents, as API Gateway, SQS and CloudEvents define them. */

const ID = '01890a5d-ac96-774b-bcce-b302099a8057';
const NOW = Date.UTC(2020, 2, 12, 19, 3, 58, 123);

interface Given {
  readonly meta: EventMeta;
  readonly contentType?: string;
  readonly raw?: string | Uint8Array;
  readonly http?: HttpTrigger[];
  readonly more?: Partial<Asked['envelope']>;
  /** As they came over NATS. */
  readonly headers?: Record<string, string>;
}
type Values = Record<string, unknown>;

const asked = ({ meta, contentType, raw = '', http = [], more, headers = {} }: Given): Asked => ({
  path: 'users/find',
  version: '1.0.0',
  envelope: { id: ID, meta, ...(contentType === undefined ? {} : { contentType }), ...more },
  raw: typeof raw === 'string' ? Buffer.from(raw) : raw,
  attempt: 1,
  now: NOW,
  http,
  headers,
});
const document = async (shape: EventShape, given: Given): Promise<unknown> =>
  // As JSON: what crosses to a program in another language must be all of it.
  JSON.parse(JSON.stringify(await shapeOf(shape, given.meta.source).document(asked(given))));

const HTTP: Given = {
  meta: {
    source: 'http',
    caller: '198.51.100.0/24',
    method: 'POST',
    path: '/users/4%202',
    query: 'a=1&a=2&b=%C3%BC',
    params: { id: '4 2' },
    headers: {
      host: 'mesh.example.org:8080',
      'user-agent': 'curl/8',
      'content-type': 'application/json',
      cookie: 'x=1; y=2',
      'x-many': ['1', '2'],
    },
  },
  contentType: 'application/json',
  raw: '{"name":"Ada"}',
  http: [{ path: '/users/{id}' }, { method: ['GET', 'POST'], path: '/users/{id}' }, { path: '/users/all' }],
};
const MQTT: Given = {
  meta: { source: 'mqtt', attributes: { topic: 'users/find', qos: 1 } },
  raw: '{"id":42,"tags":["a","b"],"deep":{}}',
};

describe('API Gateway 2.0', () => {
  it('is given a request', async () => {
    expect(await document('apigateway-v2', HTTP)).toEqual({
      version: '2.0',
      routeKey: 'POST /users/{id}',
      rawPath: '/users/4%202',
      rawQueryString: 'a=1&a=2&b=%C3%BC',
      cookies: ['x=1', 'y=2'],
      headers: {
        host: 'mesh.example.org:8080',
        'user-agent': 'curl/8',
        'content-type': 'application/json',
        'x-many': '1,2',
      },
      queryStringParameters: { a: '1,2', b: 'ü' },
      requestContext: {
        accountId: '000000000000',
        apiId: 'lambda-mesh',
        domainName: 'mesh.example.org',
        domainPrefix: 'mesh',
        http: {
          method: 'POST',
          path: '/users/4%202',
          protocol: 'HTTP/1.1',
          sourceIp: '198.51.100.0',
          userAgent: 'curl/8',
        },
        requestId: ID,
        routeKey: 'POST /users/{id}',
        stage: '$default',
        time: '12/Mar/2020:19:03:58 +0000',
        timeEpoch: NOW,
      },
      body: '{"name":"Ada"}',
      pathParameters: { id: '4 2' },
      isBase64Encoded: false,
    });
  });

  it('leaves out what is not there', async () => {
    const meta: EventMeta = { source: 'http', method: 'GET', path: '/users/find', headers: { host: 'x' } };
    const got = await document('apigateway-v2', { meta, http: [{ method: 'GET' }] });
    expect(got).toMatchObject({ routeKey: 'GET /users/find', rawQueryString: '', isBase64Encoded: false });
    for (const name of ['cookies', 'queryStringParameters', 'pathParameters', 'body', 'stageVariables'])
      expect(got).not.toHaveProperty(name);
  });

  it.each<[string, string | undefined, string | Uint8Array, string, boolean]>([
    ['a form', 'application/x-www-form-urlencoded', 'a=1', 'a=1', false],
    ['text', 'text/plain', 'grüß', 'grüß', false],
    ['bytes', 'image/png', 'abc', 'YWJj', true],
    ['text that is none', 'text/plain', new Uint8Array([255]), '/w==', true],
    ['what has no type', undefined, '{', '{', false],
    ['JSON that is none', 'application/json', '{', '{', false],
  ])('passes on %s', async (_, contentType, raw, body, isBase64Encoded) => {
    const given: Given = { meta: { source: 'http', method: 'POST', path: '/users/find' }, raw };
    const got = await document(
      'apigateway-v2',
      contentType === undefined ? given : { ...given, contentType },
    );
    expect(got).toMatchObject({ body, isBase64Encoded });
  });

  it('is made of an event of another source', async () => {
    expect(await document('apigateway-v2', MQTT)).toMatchObject({
      rawPath: '/users/find',
      rawQueryString: 'id=42&tags=a&tags=b',
      queryStringParameters: { id: '42', tags: 'a,b' },
      headers: { host: 'localhost' },
      requestContext: { http: { method: 'POST', path: '/users/find', sourceIp: '127.0.0.1' } },
      body: MQTT.raw,
    });
  });
});

describe('API Gateway 1.0', () => {
  it('is given a request', async () => {
    expect(await document('apigateway-v1', HTTP)).toEqual({
      version: '1.0',
      resource: '/users/{id}',
      path: '/users/4%202',
      httpMethod: 'POST',
      headers: {
        host: 'mesh.example.org:8080',
        'user-agent': 'curl/8',
        'content-type': 'application/json',
        cookie: 'x=1; y=2',
        'x-many': '2',
      },
      multiValueHeaders: {
        host: ['mesh.example.org:8080'],
        'user-agent': ['curl/8'],
        'content-type': ['application/json'],
        cookie: ['x=1; y=2'],
        'x-many': ['1', '2'],
      },
      queryStringParameters: { a: '2', b: 'ü' },
      multiValueQueryStringParameters: { a: ['1', '2'], b: ['ü'] },
      requestContext: {
        accountId: '000000000000',
        apiId: 'lambda-mesh',
        domainName: 'mesh.example.org',
        domainPrefix: 'mesh',
        extendedRequestId: ID,
        httpMethod: 'POST',
        identity: {
          accessKey: null,
          accountId: null,
          caller: null,
          cognitoAuthenticationProvider: null,
          cognitoAuthenticationType: null,
          cognitoIdentityId: null,
          cognitoIdentityPoolId: null,
          principalOrgId: null,
          sourceIp: '198.51.100.0',
          user: null,
          userAgent: 'curl/8',
          userArn: null,
        },
        path: '/users/4%202',
        protocol: 'HTTP/1.1',
        requestId: ID,
        requestTime: '12/Mar/2020:19:03:58 +0000',
        requestTimeEpoch: NOW,
        resourceId: null,
        resourcePath: '/users/{id}',
        stage: '$default',
      },
      pathParameters: { id: '4 2' },
      stageVariables: null,
      body: '{"name":"Ada"}',
      isBase64Encoded: false,
    });
  });

  it('has null for what is not there', async () => {
    const meta: EventMeta = { source: 'http', method: 'GET', path: '/users/find' };
    expect(await document('apigateway-v1', { meta })).toMatchObject({
      queryStringParameters: null,
      multiValueQueryStringParameters: null,
      pathParameters: null,
      stageVariables: null,
      body: null,
    });
  });
});

describe('SQS', () => {
  it('is given a message of a queue', async () => {
    const systemAttributes = { ApproximateReceiveCount: '2', SentTimestamp: '1' };
    const attributes = {
      messageId: 'm-1',
      queue: 'orders',
      queueArn: 'arn:aws:sqs:eu-west-1:123456789012:orders',
      md5OfBody: 'abc',
      systemAttributes,
      messageAttributes: { path: { dataType: 'String', stringValue: 'users/find' } },
    };
    expect(await document('sqs', { meta: { source: 'sqs', attributes }, raw: '{"a":1}' })).toEqual({
      Records: [
        {
          messageId: 'm-1',
          receiptHandle: ID,
          body: '{"a":1}',
          attributes: systemAttributes,
          messageAttributes: {
            path: {
              dataType: 'String',
              stringValue: 'users/find',
              stringListValues: [],
              binaryListValues: [],
            },
          },
          md5OfBody: 'abc',
          eventSource: 'aws:sqs',
          eventSourceARN: 'arn:aws:sqs:eu-west-1:123456789012:orders',
          awsRegion: 'eu-west-1',
        },
      ],
    });
  });

  it('is given a batch as its ingress made it', async () => {
    const raw = '{"Records":[{"messageId":"1"},{"messageId":"2"}]}';
    const meta: EventMeta = { source: 'sqs', attributes: { queue: 'orders', records: 2 } };
    expect(await document('sqs', { meta, contentType: 'application/json', raw })).toEqual(JSON.parse(raw));
  });

  it('is made of an event of another source', async () => {
    expect(await document('sqs', { ...HTTP, raw: 'text' })).toMatchObject({
      Records: [
        {
          messageId: ID,
          body: 'text',
          attributes: {
            ApproximateReceiveCount: '1',
            SentTimestamp: String(NOW),
            SenderId: 'lambda-mesh:http',
            ApproximateFirstReceiveTimestamp: String(NOW),
          },
          md5OfBody: '1cb251ec0d568de6a929b520c4aed8d1',
          eventSourceARN: 'arn:aws:sqs:us-east-1:000000000000:users-find',
        },
      ],
    });
  });
});

describe('CloudEvents', () => {
  it('is made of any event', async () => {
    expect(await document('cloudevents', { ...HTTP, contentType: 'application/json' })).toEqual({
      specversion: '1.0',
      id: ID,
      source: 'urn:lambda-mesh:http',
      type: 'mesh.event',
      subject: 'users/find',
      time: '2020-03-12T19:03:58.123Z',
      datacontenttype: 'application/json',
      data: { name: 'Ada' },
    });
  });

  it('keeps what the caller stated in binary mode, with extensions', async () => {
    const cloudEvent = { id: 'a', source: '/b', type: 'c', subject: 'd', time: '2020-01-01T00:00:00Z' };
    const headers = { 'ce-id': 'a', 'ce-specversion': '1.0', 'ce-tenant': 'gr%C3%BCn' };
    const got = await document('cloudevents', {
      meta: { source: 'http', headers },
      raw: new Uint8Array([255]),
      contentType: 'image/png',
      more: { cloudEvent },
    });
    expect(got).toEqual({
      specversion: '1.0',
      ...cloudEvent,
      tenant: 'grün',
      datacontenttype: 'image/png',
      data_base64: '/w==',
    });
  });

  it('passes on what came in structured mode, whole', async () => {
    const event = { specversion: '1.0', id: 'a', source: '/b', type: 'c', tenant: 'x', data: [1] };
    const contentType = 'application/cloudevents+json; charset=utf-8';
    expect(
      await document('cloudevents', { meta: { source: 'nats' }, raw: JSON.stringify(event), contentType }),
    ).toEqual(event);
    await expect(
      document('cloudevents', { meta: { source: 'nats' }, raw: '{"id":"a"}', contentType }),
    ).rejects.toMatchObject({ code: 'bad-body' });
  });

  const STRUCTURED = 'application/cloudevents+json';
  const EVENT = { specversion: '1.0', id: 'a', source: '/b', type: 'c' };

  it('has the extensions that NATS headers and MQTT 5 user properties state, and dataschema', async () => {
    const more = { tenant: 'grün', dataschema: 'https://example.org/s' };
    const sent = { 'ce-tenant': 'gr%C3%BCn', 'ce-dataschema': more.dataschema, 'ce-id': 'a', 'mesh-id': ID };
    const byHttp = await document('cloudevents', { meta: { source: 'http', headers: sent } });
    expect(byHttp).toMatchObject({ ...more, id: ID });
    const byNats = await document('cloudevents', { meta: { source: 'nats' }, headers: sent });
    expect(byNats).toMatchObject(more);
    const userProperties = { ...more, ...EVENT, data: 'x', Upper: 'no', many: ['1', '2'] };
    const byMqtt = { meta: { source: 'mqtt', attributes: { userProperties } } } as const;
    const { id, source, type } = EVENT;
    const got = await document('cloudevents', { ...byMqtt, more: { cloudEvent: { id, source, type } } });
    expect(got).toEqual({ ...EVENT, ...more, many: '1', subject: 'users/find', time: expect.any(String) });
    // User properties of what is no CloudEvent are no attributes of one.
    expect(await document('cloudevents', byMqtt)).not.toHaveProperty('tenant');
  });

  it.each<[string, string, object]>([
    ['a byte order mark', `\ufeff${JSON.stringify(EVENT)}`, EVENT],
    ['a key that would change a prototype', `{"__proto__":{"x":1},${JSON.stringify(EVENT).slice(1)}`, EVENT],
    [
      'data of several parts',
      JSON.stringify({ ...EVENT, tenant: 'x', datacontenttype: 'multipart/form-data', data_base64: 'YQ==' }),
      { ...EVENT, tenant: 'x', datacontenttype: 'multipart/form-data', data_base64: 'YQ==' },
    ],
  ])('takes one in structured mode with %s', async (_, raw, expected) => {
    const given: Given = { meta: { source: 'http' }, raw, contentType: STRUCTURED };
    const got = await shapeOf('cloudevents', 'http').document(asked(given));
    expect(JSON.stringify(got)).toBe(JSON.stringify(expected));
  });

  it.each(['{', '[]', 'null', '', '{"specversion":"1.0"}', '{"specversion":"1.0","id":1}'])(
    'refuses %j in structured mode',
    async (raw) => {
      await expect(
        document('cloudevents', { meta: { source: 'http' }, raw, contentType: STRUCTURED }),
      ).rejects.toMatchObject({ code: 'bad-body' });
    },
  );

  const MULTIPART = 'multipart/form-data; boundary=x';
  it.each<[string, string | undefined, string | Uint8Array, object]>([
    ['a form', 'application/x-www-form-urlencoded', 'a=1', { data: 'a=1' }],
    ['a body of several parts', MULTIPART, '--x--', { data_base64: 'LS14LS0=' }],
    ['XML', 'application/xml', '<a/>', { data: '<a/>' }],
    ['text', 'text/plain; charset=iso-8859-1', Uint8Array.of(0xe4), { data: 'ä' }],
    ['bytes', 'application/octet-stream', 'abc', { data_base64: 'YWJj' }],
    ['XML that is no UTF-8', 'application/xml', Uint8Array.of(255), { data_base64: '/w==' }],
    ['JSON', 'application/problem+json', '{"a":1}', { data: { a: 1 } }],
    ['JSON of no type', undefined, '[1]', { datacontenttype: 'application/json', data: [1] }],
    ['text of no type', undefined, 'a', { datacontenttype: 'text/plain', data: 'a' }],
    ['bytes of no type', undefined, Uint8Array.of(255), { data_base64: '/w==' }],
    ['nothing', 'application/json', '', {}],
  ])('has as data %s', async (_, contentType, raw, expected) => {
    const given: Given = { meta: { source: 'http' }, raw };
    const got = await document('cloudevents', contentType === undefined ? given : { ...given, contentType });
    const { specversion: _1, id: _2, source: _3, type: _4, subject: _5, time: _6, ...data } = got as Values;
    const stated = contentType === undefined || raw === '' ? {} : { datacontenttype: contentType };
    expect(data).toEqual({ ...stated, ...expected });
  });

  it.each([
    ['application/json', '{', 'bad-body'],
    ['application/cloudevents-batch+json', '[]', 'unsupported-media-type'],
    ['nonsense', '', 'unsupported-media-type'],
  ])('refuses %s: %j', async (contentType, raw, code) => {
    await expect(
      document('cloudevents', { meta: { source: 'http' }, raw, contentType }),
    ).rejects.toMatchObject({ code });
  });

  it('has no data where nothing was sent', async () => {
    expect(await document('cloudevents', { meta: { source: 'cron' } })).not.toHaveProperty('data');
  });
});

describe('the payload', () => {
  it.each<[string, Given, unknown]>([
    ['JSON', { ...HTTP }, { name: 'Ada' }],
    ['text', { meta: { source: 'mqtt' }, raw: 'grüß' }, 'grüß'],
    [
      'the query of a request without a body',
      { meta: { source: 'http', query: 'a=1&a=2&b=3' } },
      { a: ['1', '2'], b: '3' },
    ],
    ['nothing', { meta: { source: 'cron' } }, null],
  ])('is %s', async (_, given, payload) => {
    expect(await document('payload', given)).toEqual(payload);
  });
});

describe('a caller who speaks Lambda', () => {
  const LAMBDA = { meta: { source: 'lambda' }, contentType: 'application/json' } as const;

  it('sends a CloudEvent, or what becomes the data of one', async () => {
    const event = { specversion: '1.0', id: 'a', source: '/b', type: 'c', tenant: 'x', data: [1] };
    expect(await document('cloudevents', { ...LAMBDA, raw: JSON.stringify(event) })).toEqual(event);
    const { type: _, ...none } = event;
    expect(await document('cloudevents', { ...LAMBDA, raw: JSON.stringify(none) })).toMatchObject({
      source: 'urn:lambda-mesh:lambda',
      data: none,
    });
  });

  it.each(['apigateway-v1', 'apigateway-v2', 'sqs', 'payload'] as const)(
    'sends the %s document',
    async (shape) => {
      const raw = '{"httpMethod":"GET","version":"whatever"}';
      expect(
        await document(shape, { meta: { source: 'lambda' }, contentType: 'application/json', raw }),
      ).toEqual(JSON.parse(raw));
    },
  );
});
