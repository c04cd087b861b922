import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { MAX_PAYLOAD } from '#servers';
import { closeAll, until } from './fixtures/later.js';
import { type Mesh, mesh } from './fixtures/mesh.js';
import { rawHttp } from './fixtures/raw-http.js';

/* Every form of answer, and what HTTP itself asks of a server. */

const HANDLERS: Record<string, string> = {
  object: '() => ({ a: 1 })',
  text: '() => "grüß"',
  html: '(e, c) => c("OK", "<p>", { headers: { "content-type": "text/html" } })',
  bytes: '() => new Uint8Array([0, 255])',
  nothing: '() => {}',
  nil: '() => null',
  'not/modified': '() => ({ statusCode: 304, headers: { etag: "x" }, body: "ignored" })',
  'http/redirect':
    '() => ({ statusCode: 302, headers: { Location: "/elsewhere" }, cookies: ["a=1; Path=/", "b=2"] })',
  'http/base64':
    '() => ({ statusCode: 200, headers: { "content-type": "image/png" }, isBase64Encoded: true, body: "AP8=" })',
  'http/hop':
    '() => ({ statusCode: 200, headers: { connection: "upgrade", "transfer-encoding": "chunked", "content-length": "1", x: "y" }, body: "whole" })',
  'http/list': '() => ({ statusCode: 200, headers: { "x-list": ["a", "b"] } })',
  fail: '(e, c) => c("FAIL", { error: "Missing ?id=" })',
  'fail/conflict': '(e, c) => c("FAIL", { taken: true }, { status: 409, headers: { "x-why": "taken" } })',
  throws: '() => { throw new Error("secret in /etc/file.ts") }',
  large: `() => new Uint8Array(${8 * 1024 * 1024})`,
  largest: `() => new Uint8Array(${8 * 1024 * 1024 - 16 * 1024})`,
  slow: '() => new Promise(() => {})',
  patient: '() => new Promise(() => {})',
};

let world: Mesh;
beforeAll(async () => {
  expect(MAX_PAYLOAD).toBe('8MB');
  world = await mesh(async ({ publish }) => {
    for (const [path, code] of Object.entries(HANDLERS)) {
      const timeoutMs = { slow: 150, patient: 2_000 }[path];
      const limits = timeoutMs === undefined ? {} : { limits: { timeoutMs } };
      await publish({ path, version: '1.0.0', ...limits }, `export default ${code}`);
    }
    await publish(
      { path: 'only/get', version: '1.0.0', triggers: [{ http: { method: 'GET' } }] },
      'export default (e) => e.method',
    );
    await publish(
      { path: 'own/options', version: '1.0.0', triggers: [{ http: { method: ['OPTIONS', 'POST'] } }] },
      'export default (e) => ({ statusCode: 200, headers: { allow: "MINE" }, body: e.method })',
    );
  });
});
afterAll(closeAll);

const get = (path: string, init?: RequestInit) => fetch(world.url + path, { redirect: 'manual', ...init });
const problemOf = async (response: Response) => {
  expect(response.headers.get('content-type')).toBe('application/problem+json');
  return response.json() as Promise<Record<string, unknown>>;
};

describe('an answer', () => {
  it.each<[string, number, string | null, string]>([
    ['object', 200, 'application/json', '{"a":1}'],
    ['text', 200, 'text/plain; charset=utf-8', 'grüß'],
    ['html', 200, 'text/html', '<p>'],
    ['nil', 200, 'application/json', 'null'],
    ['nothing', 204, null, ''],
    ['not/modified', 304, null, ''],
    ['fail', 400, 'application/json', '{"error":"Missing ?id="}'],
    ['fail/conflict', 409, 'application/json', '{"taken":true}'],
  ])('%s is %d', async (path, status, type, body) => {
    const response = await get(`/${path}`);
    expect([response.status, response.headers.get('content-type'), await response.text()]).toEqual([
      status,
      type,
      body,
    ]);
    expect(response.headers.get('mesh-version')).toBe('1.0.0');
    expect(response.headers.get('mesh-id')).toMatch(
      /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/,
    );
    const length = response.headers.get('content-length');
    expect(length).toBe(status === 204 || status === 304 ? null : String(Buffer.byteLength(body)));
  });

  it.each([
    ['bytes', 'application/octet-stream'],
    ['http/base64', 'image/png'],
  ])('%s is binary', async (path, type) => {
    const response = await get(`/${path}`);
    expect(response.headers.get('content-type')).toBe(type);
    expect([...new Uint8Array(await response.arrayBuffer())]).toEqual([0, 255]);
  });

  it('has headers and cookies', async () => {
    const response = await get('/http/redirect');
    expect([response.status, response.headers.get('location')]).toEqual([302, '/elsewhere']);
    expect(response.headers.getSetCookie()).toEqual(['a=1; Path=/', 'b=2']);
    expect((await get('/http/list')).headers.get('x-list')).toBe('a, b');
    expect((await get('/fail/conflict')).headers.get('x-why')).toBe('taken');
  });

  it('has no header of the connection that a handler made up', async () => {
    const answer = await rawHttp(world.url, 'GET /http/hop HTTP/1.1\r\nHost: x\r\n\r\n');
    expect(answer.headers).toMatchObject({ x: 'y', 'content-length': '5' });
    expect(answer.headers['transfer-encoding']).toBeUndefined();
    expect(answer.body).toBe('whole');
  });

  it('of the largest size arrives; a larger one is an error of the handler', async () => {
    expect((await (await get('/largest')).arrayBuffer()).byteLength).toBe(8 * 1024 * 1024 - 16 * 1024);
    const response = await get('/large');
    expect([response.status, (await problemOf(response)).code]).toEqual([500, 'answer-too-large']);
  });

  it('of a handler that throws says nothing of the inside', async () => {
    const response = await get('/throws');
    const problem = await problemOf(response);
    expect(problem).toEqual({
      type: 'urn:lambda-mesh:error:handler-error',
      title: 'The handler threw an error.',
      status: 500,
      code: 'handler-error',
      fault: 'handler',
      retry: 'later',
      instance: `urn:uuid:${response.headers.get('mesh-id')}`,
    });
  });

  it('that does not come is 504 at the deadline', async () => {
    const started = performance.now();
    const response = await get('/slow');
    expect([response.status, (await problemOf(response)).code]).toEqual([504, 'deadline-exceeded']);
    expect(performance.now() - started).toBeLessThan(5_000);
  });
});

describe('a path', () => {
  it.each([
    '/nobody',
    '/',
    '/object/',
    '//object',
    '/object//',
    '/Object',
    '/%6Fbject',
    '/object@2.0.0',
    '/object@canary',
    '/object@',
    '/object@1.0.0@1.0.0',
    '/v1/handlers',
    '/openapi',
  ])('%s is nobody’s: 404', async (path) => {
    const response = await get(path);
    expect(response.status).toBe(404);
    expect((await problemOf(response)).code).toMatch(/^no-(route|version)$/);
  });

  it('may name a version', async () => {
    expect((await get('/object@1.0.0')).headers.get('mesh-version')).toBe('1.0.0');
  });

  it('has a trace of its own in the answer, never that of another call', async () => {
    const ids = await Promise.all(
      Array.from({ length: 50 }, async () => (await get('/object')).headers.get('mesh-id')),
    );
    expect(new Set(ids).size).toBe(50);
  });
});

describe('a method', () => {
  it('that the handler does not take is 405 with those that it does', async () => {
    const response = await get('/only/get', { method: 'POST' });
    expect([response.status, response.headers.get('allow')]).toEqual([405, 'GET, HEAD, OPTIONS']);
    expect((await problemOf(response)).code).toBe('method-not-allowed');
  });

  it('HEAD is a GET without the body', async () => {
    const answer = await rawHttp(world.url, 'HEAD /object HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n');
    expect([answer.status, answer.headers['content-length'], answer.body]).toEqual([200, '7', '']);
    expect((await get('/only/get', { method: 'HEAD' })).status).toBe(200);
    const unknown = await rawHttp(world.url, 'HEAD /nobody HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n');
    expect([unknown.status, unknown.body]).toEqual([404, '']);
  });

  it('OPTIONS says what a path takes, unless the handler does that itself', async () => {
    const all = await get('/object', { method: 'OPTIONS' });
    expect([all.status, all.headers.get('allow')]).toEqual([
      204,
      'GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS',
    ]);
    expect((await get('/only/get', { method: 'OPTIONS' })).headers.get('allow')).toBe('GET, HEAD, OPTIONS');
    const own = await get('/own/options', { method: 'OPTIONS' });
    expect([own.status, own.headers.get('allow'), await own.text()]).toEqual([200, 'MINE', 'OPTIONS']);
    expect((await get('/nobody', { method: 'OPTIONS' })).status).toBe(404);
  });

  it.each(['TRACE', 'PROPFIND', 'PURGE'])('%s is known to HTTP, not to handlers: 405', async (method) => {
    const answer = await rawHttp(world.url, `${method} /object HTTP/1.1\r\nHost: x\r\n\r\n`);
    expect([answer.status, answer.headers['content-type']]).toEqual([405, 'application/problem+json']);
    expect(answer.headers.allow).toContain('GET');
  });
});

describe('CORS', () => {
  it('is off unless configured', async () => {
    const response = await get('/object', { headers: { origin: 'https://app.example.org' } });
    expect([...response.headers.keys()].filter((name) => name.startsWith('access-control'))).toEqual([]);
  });
});

describe('limits', () => {
  const SIZE = 9_000_000;
  const head = (extra: string) => `POST /object HTTP/1.1\r\nHost: x\r\n${extra}\r\n`;

  it('9 MB is 413, and the connection can still be used', async () => {
    for (let i = 0; i < 2; i++) {
      const response = await get('/object', { method: 'POST', body: Buffer.alloc(SIZE) });
      expect([response.status, (await problemOf(response)).code]).toEqual([413, 'payload-too-large']);
    }
    expect((await get('/object')).status).toBe(200);
  });

  it('9 MB with Expect is 413 before the body is asked for', async () => {
    const answer = await rawHttp(world.url, head(`Content-Length: ${SIZE}\r\nExpect: 100-continue\r\n`));
    expect(answer.status).toBe(413);
    expect(answer.text).not.toContain('100 Continue');
  });

  it('an unknown path with Expect is 404 before the body is asked for', async () => {
    const request = head('Content-Length: 5\r\nExpect: 100-continue\r\n').replace('/object', '/nobody');
    const answer = await rawHttp(world.url, request);
    expect([answer.status, answer.text.includes('100 Continue')]).toEqual([404, false]);
  });

  it('a body that is wanted is asked for', async () => {
    const answer = await rawHttp(world.url, `${head('Content-Length: 2\r\nExpect: 100-continue\r\n')}{}`);
    expect(answer.text).toMatch(/^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 200/);
  });

  it('other expectations are refused', async () => {
    const answer = await rawHttp(world.url, head('Content-Length: 0\r\nExpect: miracles\r\n'));
    expect([answer.status, answer.headers['content-type']]).toEqual([400, 'application/problem+json']);
  });

  it('9 MB in chunks without a length is 413', async () => {
    const part = Buffer.alloc(1_000_000);
    let sent = 0;
    const body = new ReadableStream({
      pull: (controller) => (sent++ < 9 ? controller.enqueue(part) : controller.close()),
    });
    const response = await get('/object', { method: 'POST', body, duplex: 'half' } as RequestInit);
    expect(response.status).toBe(413);
  });

  it.each<[string, string, number]>([
    ['a target of 8,193 characters', `GET /object?${'x'.repeat(8_185)} HTTP/1.1\r\nHost: x\r\n\r\n`, 414],
    ['headers of 20 KB', `GET /object HTTP/1.1\r\nHost: x\r\nX-Long: ${'x'.repeat(20_000)}\r\n\r\n`, 431],
    ['a target of 20 KB', `GET /${'x'.repeat(20_000)} HTTP/1.1\r\nHost: x\r\n\r\n`, 431],
    ['1,000 headers', `GET /object HTTP/1.1\r\nHost: x\r\n${'a: b\r\n'.repeat(1_000)}\r\n`, 431],
    ['2,500 headers', `GET /object HTTP/1.1\r\nHost: x\r\n${'a:b\r\n'.repeat(2_500)}\r\n`, 431],
    ['no Host', 'GET /object HTTP/1.1\r\n\r\n', 400],
    ['a coding', `${head('Content-Encoding: gzip\r\nContent-Length: 1\r\n')}x`, 415],
    ['a malformed content type', `${head('Content-Type: json\r\nContent-Length: 2\r\n')}{}`, 415],
    ['broken JSON', `${head('Content-Type: application/json\r\nContent-Length: 1\r\n')}{`, 400],
  ])('%s is %#', async (_, request, status) => {
    const answer = await rawHttp(world.url, request);
    expect([answer.status, answer.headers['content-type']]).toEqual([status, 'application/problem+json']);
    expect(JSON.parse(answer.body).status).toBe(status);
  });

  it('many headers that are still few enough pass', async () => {
    const headers = Array.from({ length: 150 }, (_, i) => `x-${i}: ${i}\r\n`).join('');
    expect((await rawHttp(world.url, `GET /object HTTP/1.1\r\nHost: x\r\n${headers}\r\n`)).status).toBe(200);
  });

  it('requests on one connection are answered in their order', async () => {
    const request = (path: string) => `GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`;
    const last = 'GET /nil HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n';
    const { hostname, port } = new URL(world.url);
    const socket = connect(Number(port), hostname);
    socket.write(request('/slow') + request('/object') + request('/fail') + last);
    const chunks: Buffer[] = [];
    for await (const chunk of socket) chunks.push(chunk as Buffer);
    const statuses = [
      ...Buffer.concat(chunks)
        .toString()
        .matchAll(/HTTP\/1\.1 (\d+)/g),
    ].map(([, status]) => status);
    expect(statuses).toEqual(['504', '200', '400', '200']);
  });
});

describe('a client that goes away', () => {
  it('leaves nothing in flight behind, and others are served', async () => {
    const inFlight = async () =>
      /mesh_http_in_flight\S* (\d+)/.exec(await (await get('/metrics')).text())?.[1];
    const gone = new AbortController();
    const calls = Array.from({ length: 20 }, () =>
      get('/patient', { signal: gone.signal }).catch(() => 'gone'),
    );
    await until(inFlight, (count) => count === '20');
    gone.abort();
    expect(new Set(await Promise.all(calls))).toEqual(new Set(['gone']));
    await until(inFlight, (count) => count === '0');
    expect((await get('/object')).status).toBe(200);
  });

  it('in the middle of its body, too', async () => {
    const { hostname, port } = new URL(world.url);
    const socket = connect(Number(port), hostname);
    socket.write('POST /object HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nhalf');
    const inFlight = async () =>
      /mesh_http_in_flight\S* (\d+)/.exec(await (await get('/metrics')).text())?.[1];
    await until(inFlight, (count) => count === '1');
    socket.resetAndDestroy();
    await until(inFlight, (count) => count === '0');
  });
});

describe("the mesh's own pages", () => {
  it.each([
    ['/health', 200, 'application/json; charset=utf-8'],
    ['/health/ready', 200, 'application/json; charset=utf-8'],
    ['/metrics', 200, 'text/plain; version=0.0.4; charset=utf-8'],
    ['/openapi.json', 200, 'application/json; charset=utf-8'],
    ['/docs', 200, 'text/html'],
  ])('%s', async (path, status, type) => {
    const response = await get(path);
    expect([response.status, response.headers.get('content-type')]).toEqual([status, type]);
  });

  it('list the live handlers', async () => {
    const document = (await (await get('/openapi.json')).json()) as { paths: Record<string, object> };
    expect(document.paths).toMatchObject({ '/object': { get: {}, post: {} }, '/only/get': { get: {} } });
    expect(document.paths['/only/get']).not.toHaveProperty('post');
    const metrics = await (await get('/metrics')).text();
    expect(metrics).toMatch(/mesh_http_request_duration_seconds_count\{.*path="object",status="200"/);
  });

  it.each([
    ['GET', '/health/nothing', 404],
    ['POST', '/health', 404],
    ['GET', '/docs/%zz', 400],
    ['GET', '/docs/%2e%2e/%2e%2e/package.json', 403],
    ['GET', '/health?%zz', 200],
  ])('%s %s is %d', async (method, path, status) => {
    const answer = await rawHttp(world.url, `${method} ${path} HTTP/1.1\r\nHost: x\r\n\r\n`);
    expect(answer.status).toBe(status);
    if (status >= 400) expect(answer.headers['content-type']).toBe('application/problem+json');
    expect(answer.body).not.toMatch(/lambda-mesh"|node_modules|\n\s*at /);
  });
});
