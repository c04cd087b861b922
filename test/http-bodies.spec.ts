import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { closeAll } from './fixtures/later.js';
import { type Mesh, mesh } from './fixtures/mesh.js';
import { rawHttp } from './fixtures/raw-http.js';

/* What of a request reaches the handler, through real HTTP, NATS and executor. */

const ECHO = `
const plain = (v) => v instanceof Uint8Array ? { bytes: [...v] } : Array.isArray(v) ? v.map(plain)
  : v && typeof v === 'object' ? Object.fromEntries(Object.entries(v).map(([k, x]) => [k, plain(x)])) : v;
export default (e) => ({
  source: e.source, method: e.method, path: e.path, query: e.query, params: e.params, headers: e.headers,
  body: plain(e.body), raw: e.raw.length, cloudEvent: e.cloudEvent,
})`;

let world: Mesh;
beforeAll(async () => {
  world = await mesh(async ({ publish }) => {
    await publish({ path: 'echo', version: '1.0.0' }, ECHO);
    await publish({ path: 'size', version: '1.0.0' }, 'export default (e) => e.raw.length');
    await publish(
      {
        path: 'users/get',
        version: '1.0.0',
        triggers: [{ http: { method: 'GET', path: '/users/{id}/orders/{order}' } }],
      },
      ECHO,
    );
  });
});
afterAll(closeAll);

// biome-ignore lint/suspicious/noExplicitAny: what a handler answered is what these scenarios look at
async function echo(init: RequestInit = {}, path = '/echo'): Promise<any> {
  const response = await fetch(world.url + path, init);
  expect(response.status).toBe(200);
  return response.json();
}
const post = (body: RequestInit['body'], type?: string) =>
  echo({ method: 'POST', body, ...(type === undefined ? {} : { headers: { 'content-type': type } }) });

describe('a query', () => {
  it.each<[string, object]>([
    ['', {}],
    ['?', {}],
    ['?id=42', { id: '42' }],
    ['?id=1&id=2&id=3', { id: ['1', '2', '3'] }],
    ['?a', { a: '' }],
    ['?a=&=b&&c=d', { a: '', '': 'b', c: 'd' }],
    ['?q=a+b%20c%2Bd', { q: 'a b c+d' }],
    ['?q=%C3%BC%F0%9F%98%80', { q: 'ü😀' }],
    ['?a=b=c?d', { a: 'b=c?d' }],
    ['?__proto__=x&constructor=y', { ['__proto__']: 'x', constructor: 'y' }],
    ['?%24%5Bne%5D=1', { '$[ne]': '1' }],
  ])('%s', async (query, expected) => {
    const { query: seen } = await echo({}, `/echo${query}`);
    expect(JSON.stringify(seen)).toBe(JSON.stringify(expected));
  });
});

describe('a request', () => {
  it('says where it came from and how', async () => {
    expect(await echo({ method: 'PUT', headers: { 'X-Custom': 'Value' } })).toMatchObject({
      source: 'http',
      method: 'PUT',
      path: 'echo',
      headers: { 'x-custom': 'Value' },
      params: {},
      body: null,
      raw: 0,
    });
  });

  it('has parameters, decoded once', async () => {
    const { params } = await echo({}, '/users/a%20b%252F%C3%BC/orders/1@2');
    expect(params).toEqual({ id: 'a b%2Fü', order: '1@2' });
  });

  it('has repeated headers joined, and never those meant for a NATS server', async () => {
    const headers = new Headers([
      ['x-list', 'a'],
      ['x-list', 'b'],
      ['Nats-Schedule', '@every 1s'],
      ['nats-msg-id', '1'],
    ]);
    const seen = (await echo({ headers })).headers;
    expect(seen['x-list']).toBe('a, b');
    expect(Object.keys(seen).filter((name) => name.startsWith('nats'))).toEqual([]);
  });

  it('has the attributes of a CloudEvent in binary mode', async () => {
    const headers = { 'ce-specversion': '1.0', 'ce-id': 'a%20b', 'ce-type': 'test', 'ce-source': '/x' };
    expect((await echo({ headers })).cloudEvent).toEqual({ id: 'a b', type: 'test', source: '/x' });
  });
});

describe('a body', () => {
  it.each<[string, string, string | undefined, unknown]>([
    ['JSON', '{"a":[1,null,"ü"]}', 'application/json', { a: [1, null, 'ü'] }],
    ['JSON with a charset', '{"a":1}', 'application/json; charset=UTF-8', { a: 1 }],
    ['JSON of a vendor', '{"a":1}', 'application/vnd.acme+json', { a: 1 }],
    ['a JSON scalar', '42', 'application/json', 42],
    ['text', 'grüß', 'text/plain', 'grüß'],
    ['text of fetch', 'hello', undefined, 'hello'],
    ['text that looks like JSON', '{"a":1}', 'text/plain', '{"a":1}'],
    ['a form', 'a=1&a=2&b=x+y%C3%BC', 'application/x-www-form-urlencoded', { a: ['1', '2'], b: 'x yü' }],
    ['XML, which stays bytes', '<a/>', 'application/xml', { bytes: [60, 97, 47, 62] }],
  ])('of %s', async (_, body, type, expected) => {
    const seen = await post(body, type);
    expect(seen.body).toEqual(expected);
    expect(seen.raw).toBe(Buffer.byteLength(body));
    expect(seen.query).toEqual({});
  });

  it('without a content type is JSON if it parses, else text', async () => {
    const bytes = (text: string) => new Uint8Array(Buffer.from(text));
    expect((await post(bytes('{"a":1}'))).body).toEqual({ a: 1 });
    expect((await post(bytes('{"a":'))).body).toBe('{"a":');
    expect((await post(new Uint8Array([255, 0]))).body).toEqual({ bytes: [255, 0] });
  });

  it('of multipart has fields and files', async () => {
    const form = new FormData();
    form.append('name', 'Ünï');
    form.append('tag', 'a');
    form.append('tag', 'b');
    form.append('file', new Blob([new Uint8Array([0, 255])], { type: 'image/png' }), 'a.png');
    expect((await post(form)).body).toEqual({
      name: 'Ünï',
      tag: ['a', 'b'],
      file: { filename: 'a.png', contentType: 'image/png', content: { bytes: [0, 255] } },
    });
  });

  it('that is binary arrives byte for byte', async () => {
    const all = Uint8Array.from({ length: 256 }, (_, i) => i);
    expect((await post(all, 'application/octet-stream')).body).toEqual({ bytes: [...all] });
  });

  it('in chunks without a length arrives whole', async () => {
    const stream = new ReadableStream({
      start(controller) {
        for (const part of ['{"a"', ':[1,', '2]}']) controller.enqueue(Buffer.from(part));
        controller.close();
      },
    });
    const init = {
      method: 'POST',
      body: stream,
      duplex: 'half',
      headers: { 'content-type': 'application/json' },
    };
    expect((await echo(init as RequestInit)).body).toEqual({ a: [1, 2] });
  });

  it.each(['DELETE', 'PATCH', 'PUT', 'GET'])('of a %s counts, too', async (method) => {
    const request = `${method} /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 7\r\n\r\n{"a":1}`;
    expect(JSON.parse((await rawHttp(world.url, request)).body)).toMatchObject({ method, body: { a: 1 } });
  });

  it('of the largest size arrives', async () => {
    const largest = 8 * 1024 * 1024 - 16 * 1024;
    const init = { method: 'POST', headers: { 'content-type': 'application/octet-stream' } };
    const response = await fetch(`${world.url}/size`, { ...init, body: Buffer.alloc(largest, 'x') });
    expect([response.status, await response.text()]).toEqual([200, String(largest)]);
  });
});
