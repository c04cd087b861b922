import { describe, expect, it } from '@jest/globals';
import type { EventEnvelope } from '../../contracts/src/envelope.js';
import { buildEvent } from './build-event.js';

const bytes = (body: string | Uint8Array) =>
  typeof body === 'string' ? new Uint8Array(Buffer.from(body)) : body;
const event = (body: string | Uint8Array, contentType?: string, rest: Partial<EventEnvelope> = {}) =>
  buildEvent(
    'users/find',
    {
      id: 'an-id',
      meta: { source: 'nats' },
      ...(contentType === undefined ? {} : { contentType }),
      ...rest,
    },
    bytes(body),
  );
const bodyOf = async (body: string | Uint8Array, contentType?: string) =>
  (await event(body, contentType)).body;
const refusal = async (body: string | Uint8Array, contentType?: string): Promise<unknown> => {
  try {
    await event(body, contentType);
  } catch (error) {
    return (error as { code: string }).code;
  }
  return 'taken';
};
const record = (fields: object) => Object.assign(Object.create(null), fields);
const FORM = 'application/x-www-form-urlencoded';

describe('an event', () => {
  it('of several SQS messages has them where Lambda has them', async () => {
    const batch = '{"Records":[{"messageId":"m-1","body":"a"}]}';
    const meta = { source: 'sqs' as const, attributes: { records: 1 } };
    const Records = [{ messageId: 'm-1', body: 'a' }];
    expect(await event(batch, 'application/json', { meta })).toMatchObject({ Records, body: { Records } });
    expect(await event('[]', 'application/json', { meta })).not.toHaveProperty('Records');
    const { attributes } = meta;
    for (const other of [{ source: 'sqs' as const }, { source: 'mqtt' as const, attributes }])
      expect(await event(batch, 'application/json', { meta: other })).not.toHaveProperty('Records');
  });

  it('has every part, of an HTTP request', () => {
    const raw = bytes('{"a":1}');
    const built = buildEvent(
      'users/find',
      {
        id: 'an-id',
        contentType: 'application/json',
        meta: {
          source: 'http',
          method: 'POST',
          path: '/users/7',
          query: 'id=42',
          headers: { accept: '*/*', 'x-many': ['1', '2'] },
          params: { id: '7' },
        },
      },
      raw,
    );
    expect(built).toEqual({
      id: 'an-id',
      path: 'users/find',
      source: 'http',
      time: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
      method: 'POST',
      query: record({ id: '42' }),
      params: record({ id: '7' }),
      headers: record({ accept: '*/*', 'x-many': ['1', '2'] }),
      body: { a: 1 },
      raw,
      attributes: record({}),
      cloudEvent: undefined,
    });
  });

  it('has what another source knows, and the time that its caller stated', () => {
    const cloudEvent = { id: 'c-1', type: 't', source: '/s', time: '2020-01-01T00:00:00Z' };
    expect(
      event('', undefined, { cloudEvent, meta: { source: 'mqtt', attributes: { qos: 1 } } }),
    ).toMatchObject({
      source: 'mqtt',
      time: '2020-01-01T00:00:00Z',
      attributes: { qos: 1 },
      cloudEvent,
    });
  });

  it('has records without prototype, so that no name is special', async () => {
    const { query, params, headers, attributes } = await event('{"__proto__":"x"}');
    for (const part of [query, params, headers, attributes]) expect(Object.getPrototypeOf(part)).toBeNull();
    expect('constructor' in query).toBe(false);
  });
});

describe('query', () => {
  const http = (query: string) =>
    event('{"id":"body"}', undefined, { meta: { source: 'http', query } }) as { query: object };

  it.each([
    ['', {}],
    ['id=42', { id: '42' }],
    ['id=42&id=43&id=44', { id: ['42', '43', '44'] }],
    ['a&b=&=c', { a: '', b: '', '': 'c' }],
    ['a=b=c', { a: 'b=c' }],
    ['&&a=1&&', { a: '1' }],
    ['q=a+b%20c%2B', { q: 'a b c+' }],
    ['%C3%BC=%F0%9F%98%80', { ü: '😀' }],
    ['a=%zz&b=%E4', { a: '%zz', b: '\ufffd' }],
    ['a=%26%E4', { a: '&\ufffd' }],
    ['__proto__=1&constructor=2', { ['__proto__']: '1', constructor: '2' }],
  ])('of HTTP, %j', (text, expected) => {
    expect(Object.entries(http(text).query)).toEqual(Object.entries(expected));
  });

  it('of HTTP is never fed by the body', async () => {
    const { query } = await event('{"id":"42"}', 'application/json', { meta: { source: 'http' } });
    expect(Object.keys(query)).toEqual([]);
  });

  it.each([
    ['{"id":"42"}', { id: '42' }],
    ['{"id":42,"ok":true,"no":false,"n":null}', { id: '42', ok: 'true', no: 'false' }],
    ['{"ids":[1,"2",true],"mixed":[1,{}],"empty":[],"deep":{"a":1}}', { ids: ['1', '2', 'true'], empty: [] }],
    ['[1,2]', {}],
    ['"id=42"', {}],
    ['id=42', {}],
    ['null', {}],
    ['', {}],
  ])('of another source is %s as fields', (body, expected) => {
    expect(event(body)).toMatchObject({ query: expected });
    expect(Object.keys((event(body) as { query: object }).query)).toEqual(Object.keys(expected));
  });

  it('comes from JSON alone, and from a query that another source does have', async () => {
    const form = await event('a=1', FORM);
    expect(form.body).toEqual({ a: '1' });
    expect(Object.keys(form.query)).toEqual([]);
    expect(
      event('{"id":1}', 'application/json', { meta: { source: 'lambda', query: 'id=2' } }),
    ).toMatchObject({
      query: { id: '2' },
    });
  });
});

describe('body', () => {
  const png = new Uint8Array([0x89, 0x50, 0x4e, 0x47, 0xff]);

  it.each([
    ['application/json', '{"a":[1,null]}', { a: [1, null] }],
    ['Application/JSON; charset=UTF-8', '"x"', 'x'],
    ['application/problem+json', '{"title":"t"}', { title: 't' }],
    ['application/json', '\ufeff{"bom":1}', { bom: 1 }],
    ['application/json', '', null],
    [undefined, '', null],
    [undefined, '{"a":1}', { a: 1 }],
    [undefined, '42', 42],
    [undefined, 'plain', 'plain'],
    [undefined, '{"a":', '{"a":'],
    [undefined, png, png],
    ['text/plain', 'grüezi', 'grüezi'],
    ['text/plain', '{"a":1}', '{"a":1}'],
    ['text/plain; charset=iso-8859-1', new Uint8Array([0x67, 0xfc]), 'gü'],
    ['text/plain; charset="utf-16le"; charset=utf-8', new Uint8Array([0x41, 0]), 'A'],
    [FORM, 'a=1&b=x+y&b=%C3%BC', record({ a: '1', b: ['x y', 'ü'] })],
    [FORM, '__proto__=1', JSON.parse('{"__proto__":"1"}')],
    ['image/png', png, png],
    ['application/octet-stream', '{"a":1}', bytes('{"a":1}')],
  ])('as %s', async (contentType, sent, expected) => {
    const body = await bodyOf(sent, contentType);
    if (typeof expected === 'object' && expected !== null && !(expected instanceof Uint8Array))
      expect(Object.entries(body as object)).toEqual(Object.entries(expected));
    else expect(body).toEqual(expected);
  });

  it.each([
    ['application/json', '{', 'bad-body'],
    ['application/json', "{'a':1}", 'bad-body'],
    ['application/json', '{"a":1} x', 'bad-body'],
    ['application/json', new Uint8Array([0x22, 0xff, 0x22]), 'bad-body'],
    ['application/json; charset=utf-16', '{}', 'unsupported-media-type'],
    ['application/vnd.x+json', 'x', 'bad-body'],
    ['text/plain', new Uint8Array([0xc3]), 'bad-body'],
    ['text/plain; charset=klingon', 'x', 'unsupported-media-type'],
    ['text/plain; charset=utf-16le; charset=utf-8', new Uint8Array([0x41, 0xd8]), 'bad-body'],
    [FORM, 'a=%zz', 'bad-body'],
    [FORM, 'a=%ff', 'bad-body'],
    ['multipart/form-data', 'x', 'bad-body'],
    ['multipart/form-data; boundary=b', 'no boundary in here', 'bad-body'],
    [
      'multipart/form-data; boundary=b',
      '--b\r\ncontent-disposition: form-data; name="a"\r\n\r\ncut off',
      'bad-body',
    ],
    ['json', '{}', 'unsupported-media-type'],
    ['application/', '{}', 'unsupported-media-type'],
    ['application/json; charset', '{}', 'unsupported-media-type'],
    ['application/json; charset="utf-8', '{}', 'unsupported-media-type'],
    ['application/json, text/plain', '{}', 'unsupported-media-type'],
    ['text/pl ain', 'x', 'unsupported-media-type'],
    ['', 'x', 'unsupported-media-type'],
    ['nonsense', '', 'unsupported-media-type'],
    [`text/plain; a=${'b'.repeat(2000)}`, 'x', 'unsupported-media-type'],
    ['application/cloudevents+avro', '{}', 'unsupported-media-type'],
    ['application/cloudevents-batch+json', '[]', 'unsupported-media-type'],
  ])('as %s is refused: %j', async (contentType, sent, code) => {
    expect(await refusal(sent, contentType)).toBe(code);
  });

  it.each([
    ['text/plain;charset=utf-8', 'x'],
    ['text/plain ; charset=utf-8 ;', 'x'],
    ['text/plain; a="q\\"; charset=klingon"; charset=utf-8', 'x'],
  ])('reads the parameters of %s', async (contentType, sent) => {
    expect(await bodyOf(sent, contentType)).toBe('x');
  });

  it('is refused as JSON deeper than 200, and taken at 200', async () => {
    const lists = (depth: number) => '['.repeat(depth) + ']'.repeat(depth);
    const objects = (depth: number) => `${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}`;
    for (const contentType of ['application/json', undefined])
      for (const nest of [lists, objects]) {
        expect(await refusal(nest(200), contentType)).toBe('taken');
        expect(await refusal(nest(201), contentType)).toBe('bad-body');
        expect(await refusal(nest(100_000), contentType)).toBe('bad-body');
      }
    const wide = JSON.stringify([...Array(300)].map(() => ({ a: [] })));
    expect(await refusal(wide, 'application/json')).toBe('taken');
    expect(await refusal(JSON.stringify(`"${'['.repeat(500)}`), 'application/json')).toBe('taken');
    expect(await bodyOf('['.repeat(500))).toBe('['.repeat(500));
  });

  it('loses keys that would change a prototype when they are copied', async () => {
    for (const key of ['__proto__', '\\u005f_proto__', '__pr\\u006Fto__']) {
      const sent = `{"a":{"${key}":{"admin":true},"b":1},"list":[{"${key}" :1}]}`;
      expect(JSON.stringify(await bodyOf(sent, 'application/json'))).toBe('{"a":{"b":1},"list":[{}]}');
    }
    expect(await bodyOf('"__proto__"', 'application/json')).toBe('__proto__');
  });

  it('as multipart has fields, files, and repeated names as lists', async () => {
    const form = new FormData();
    form.append('name', 'Grüezi');
    form.append('tag', 'a');
    form.append('tag', 'b');
    form.append('__proto__', 'x');
    form.append('file', new Blob([png], { type: 'image/png' }), 'p.png');
    const response = new Response(form);
    const contentType = response.headers.get('content-type') as string;
    const body = await bodyOf(new Uint8Array(await response.arrayBuffer()), contentType);
    expect(Object.getPrototypeOf(body)).toBeNull();
    expect(Object.entries(body as object)).toEqual([
      ['name', 'Grüezi'],
      ['tag', ['a', 'b']],
      ['__proto__', 'x'],
      ['file', { filename: 'p.png', contentType: 'image/png', content: png }],
    ]);
  });
});

describe('a structured CloudEvent', () => {
  const structured = (fields: object) =>
    event(
      JSON.stringify({ specversion: '1.0', id: '1', source: '/s', type: 't', ...fields }),
      'application/cloudevents+json; charset=utf-8',
    );

  it('is unwrapped: its data is the body, and JSON data the query', async () => {
    expect(await structured({ data: { id: 42 }, subject: 'x', time: '2020-01-01T00:00:00Z' })).toMatchObject({
      body: { id: 42 },
      query: { id: '42' },
      time: '2020-01-01T00:00:00Z',
      cloudEvent: { id: '1', source: '/s', type: 't', subject: 'x' },
    });
    expect(await structured({})).toMatchObject({ body: null });
    expect(await structured({ data: '<a/>', datacontenttype: 'text/xml' })).toMatchObject({ body: '<a/>' });
  });

  it('has bytes as base64, decoded by their own content type', async () => {
    const data_base64 = Buffer.from('{"id":1}').toString('base64');
    expect(await structured({ data_base64, datacontenttype: 'application/json' })).toMatchObject({
      body: { id: 1 },
    });
    expect(await structured({ data_base64 })).toMatchObject({ body: bytes('{"id":1}') });
  });

  it.each([
    [{ specversion: '0.3' }],
    [{ id: undefined }],
    [{ id: '' }],
    [{ type: 1 }],
    [{ source: null }],
    [{ subject: {} }],
    [{ datacontenttype: 1 }],
    [{ data_base64: '%%%' }],
    [{ data_base64: 1 }],
  ])('is refused with %j', (fields) => {
    expect(() => structured(fields)).toThrow(expect.objectContaining({ code: 'bad-body' }));
  });

  it.each(['[]', 'null', '"x"', '{'])('is refused as %s', async (text) => {
    expect(await refusal(text, 'application/cloudevents+json')).toBe('bad-body');
  });
});
