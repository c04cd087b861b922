import { type ChildProcess, spawn } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { unzipSync } from 'fflate';
import { lambdaZip, pack } from '#packer';
import { closeAll, later } from './fixtures/later.js';
import { type Mesh, mesh } from './fixtures/mesh.js';
import { RuntimeApiServer } from './fixtures/runtime-api.js';

/*
 * One handler, packed once, asked the same in four places: over HTTP in the mesh; over HTTP in the mesh as the content
 * of `mesh pack --lambda`, a custom runtime under the executor's own Runtime API; under the documented Runtime API, as
 * on AWS Lambda; and by stdin. `npm test` has built the bootstrap.
 */
const HANDLER = `
import { FAIL, handler, OK } from '@lambda-mesh/handler';
export default handler(
  'equal/handler',
  { version: '1.2.3', triggers: [{ http: { path: '/equal/{what}' } }] },
  async (event, context) => {
    switch (event.params.what ?? event.body.what) {
      case 'event':
        return { source: event.source, method: event.method, query: event.query, params: event.params,
          body: event.body, header: event.headers['x-one'], cookie: event.headers.cookie, version: context.version };
      case 'text': return 'grüße 🔥';
      case 'bytes': return new Uint8Array([0, 255, 137, 80]);
      case 'nothing': return undefined;
      case 'status':
        return { statusCode: 418, headers: { 'x-tea': 'pot', 'content-type': 'text/x-tea' }, cookies: ['a=1; Path=/', 'b=2'], body: 'short' };
      case 'no': return context(FAIL, { error: 'Missing ?id=' }, { status: 422, headers: { 'x-why': 'id' } });
      case 'long': return context(FAIL, { error: 'x'.repeat(40_000) }, { status: 404 });
      case 'ok': return context(OK, [1, 2], { status: 201 });
      case 'pieces': return (async function* () { yield 'one '; yield 'two'; })();
      case 'throw': throw new RangeError('too far');
    }
  },
);
`;

/** Who has no HTTP to ask by: another handler. It tells how it was answered; a problem names the event it was of. */
const CALLER = `
import { handler } from '@lambda-mesh/handler';
export default handler('equal/caller', { version: '1.0.0' }, ({ body: { path, what } }, { call }) =>
  call(path, { what }).then(
    (body) => ({ body }),
    ({ code, status, body }) => ({ code, status, ...(code === 'failed' ? { body } : {}) }),
  ));
`;

interface Asked {
  readonly method?: string;
  readonly path: string;
  readonly query?: string;
  readonly headers?: Record<string, string>;
  readonly body?: string;
}
interface Answer {
  readonly status: number;
  readonly type: string | null;
  readonly more: Record<string, string>;
  readonly cookies: readonly string[];
  /** base64 */
  readonly body: string;
}

let world: Mesh;
let api: RuntimeApiServer;
let folder: string;
const children: ChildProcess[] = [];

beforeAll(async () => {
  const source = sourceFolder();
  const { artifact } = await pack(source);
  const zip = await lambdaZip(artifact, { runtime: readFileSync('libs/handler/dist/bootstrap.js') });
  folder = unzip(zip);
  const triggers = [{ http: { path: '/provided/{what}' } }];
  world = await mesh(async ({ publishFolder, publishSource }) => {
    await publishFolder(source);
    await publishSource(CALLER);
    for (const stated of [
      { path: 'equal/provided', event: 'apigateway-v2', triggers },
      { path: 'equal/payload', event: 'payload' },
    ]) {
      const manifest = { ...stated, version: '1.2.3', runtime: 'provided' };
      writeFileSync(join(folder, 'mesh.json'), JSON.stringify(manifest));
      await publishFolder(folder);
    }
  });
  api = await RuntimeApiServer.start();
  later(() => api.stop());
  run({ AWS_LAMBDA_RUNTIME_API: api.address });
}, 60_000);
afterAll(async () => {
  await Promise.all(children.map(ended));
  await closeAll();
});

function temporary(): string {
  const made = mkdtempSync(join(tmpdir(), 'mesh-equal-'));
  later(() => rmSync(made, { recursive: true, force: true }));
  return made;
}

function sourceFolder(): string {
  const made = temporary();
  writeFileSync(join(made, 'handler.ts'), HANDLER);
  symlinkSync(resolve('node_modules'), join(made, 'node_modules'));
  return made;
}

/** As Lambda unpacks it; that the zip says which file may be run is asked elsewhere. */
function unzip(zip: Uint8Array): string {
  const made = temporary();
  for (const [name, bytes] of Object.entries(unzipSync(zip))) {
    mkdirSync(dirname(join(made, name)), { recursive: true });
    writeFileSync(join(made, name), bytes);
  }
  chmodSync(join(made, 'bootstrap'), 0o755);
  return made;
}

function run(environment: Record<string, string>) {
  const env = { PATH: process.env.PATH, LAMBDA_NODE: process.execPath, ...environment };
  const child = spawn(join(folder, 'bootstrap'), [], { cwd: folder, env });
  children.push(child);
  return child;
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = new Promise((done) => child.once('exit', done));
  child.kill('SIGKILL');
  await gone;
}

/** What API Gateway makes of such a request, as far as it matters here. */
const document = ({ method = 'GET', path, query = '', headers = {}, body }: Asked) => ({
  version: '2.0',
  routeKey: '$default',
  rawPath: `/equal/${path}`,
  rawQueryString: query,
  headers,
  requestContext: { http: { method, path: `/equal/${path}` } },
  ...(body === undefined ? {} : { body }),
  isBase64Encoded: false,
});

async function overHttp(prefix: string, { path, query = '', ...init }: Asked): Promise<Answer> {
  const response = await fetch(`${world.url}${prefix}/${path}${query && `?${query}`}`, init);
  return {
    status: response.status,
    type: response.headers.get('content-type'),
    more: ofInterest((name) => response.headers.get(name) ?? undefined),
    cookies: response.headers.getSetCookie(),
    body: Buffer.from(await response.arrayBuffer()).toString('base64'),
  };
}

function ofInterest(value: (name: string) => string | undefined): Record<string, string> {
  const more: Record<string, string> = {};
  for (const name of ['x-tea', 'x-why']) {
    const found = value(name);
    if (found !== undefined) more[name] = found;
  }
  return more;
}

function asAnswer(json: string): Answer {
  const { statusCode, headers = {}, cookies = [], body, isBase64Encoded } = JSON.parse(json);
  return {
    status: statusCode,
    type: headers['content-type'] ?? null,
    more: ofInterest((name) => headers[name]),
    cookies,
    body: isBase64Encoded ? body : Buffer.from(body).toString('base64'),
  };
}

async function underRuntimeApi(asked: Asked): Promise<Answer> {
  const { kind, body } = await api.invoke(document(asked));
  if (kind !== 'response') throw new Error(body);
  return asAnswer(body);
}

async function byStdin(asked: Asked): Promise<Answer> {
  const child = run({});
  child.stdin.end(JSON.stringify(document(asked)));
  return asAnswer(await text(child.stdout));
}

/** With a payload, by another handler. */
async function byCall(path: string, what: string): Promise<object> {
  const body = JSON.stringify({ path, what });
  const headers = { 'content-type': 'application/json' };
  const response = await fetch(`${world.url}/equal/caller`, { method: 'POST', headers, body });
  return (await response.json()) as object;
}

const decoded = ({ body }: Answer): string => Buffer.from(body, 'base64').toString();

describe('the same handler answers the same', () => {
  it.each<[string, Asked]>([
    [
      'event',
      {
        method: 'POST',
        path: 'event',
        query: 'id=42&tag=a&tag=b%20c',
        headers: { 'content-type': 'application/json', 'x-one': '1', cookie: 'a=1; b=2' },
        body: '{"name":"Ada","list":[1,null]}',
      },
    ],
    ['text', { path: 'text' }],
    ['bytes', { path: 'bytes' }],
    ['nothing', { path: 'nothing' }],
    ['status, headers and cookies', { path: 'status' }],
    ['no', { path: 'no' }],
    ['OK with a status', { path: 'ok' }],
    ['pieces', { path: 'pieces' }],
  ])('%s', async (_, asked) => {
    const expected = await overHttp('/equal', asked);
    expect(await underRuntimeApi(asked)).toEqual(expected);
    expect(await byStdin(asked)).toEqual(expected);
    expect(await overHttp('/provided', asked)).toEqual(expected);
  });

  it('a body that is not what it says', async () => {
    const headers = { 'content-type': 'application/json' };
    const asked = { method: 'POST', path: 'event', headers, body: '{' };
    for (const answer of [
      await overHttp('/equal', asked),
      await overHttp('/provided', asked),
      await underRuntimeApi(asked),
      await byStdin(asked),
    ])
      expect([answer.status, answer.type, JSON.parse(decoded(answer)).code]).toEqual([
        400,
        'application/problem+json',
        'bad-body',
      ]);
  });

  it('a throw: 500 without a stack, and an error to Lambda', async () => {
    const asked = { path: 'throw' };
    for (const answer of [
      await overHttp('/equal', asked),
      await overHttp('/provided', asked),
      await byStdin(asked),
    ]) {
      expect([answer.status, JSON.parse(decoded(answer)).code]).toEqual([500, 'handler-error']);
      expect(decoded(answer)).not.toContain('too far');
    }
    const told = await api.invoke(document(asked));
    expect([told.kind, JSON.parse(told.body)]).toMatchObject(['error', { errorMessage: 'too far' }]);
  });

  it.each(['text', 'ok', 'no', 'long', 'throw'])('a payload: %s', async (what) => {
    expect(await byCall('equal/payload', what)).toEqual(await byCall('equal/handler', what));
  });

  it("a payload that gets the handler's no: its body and its status, to Lambda", async () => {
    const { kind, errorType, body } = await api.invoke({ what: 'no' });
    expect([kind, errorType, JSON.parse(body)]).toMatchObject([
      'error',
      'Function.Failed',
      { errorMessage: '{"error":"Missing ?id="}', statusCode: 422 },
    ]);
  });
});
