import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { closeAll, later, until } from './fixtures/later.js';
import { type Catalogue, catalogue, executor, ingress, type Mesh, mesh, served } from './fixtures/mesh.js';
import { executorProcess } from './fixtures/processes.js';
import { withNats } from './fixtures/sources.js';
import { workScene } from './fixtures/work.js';

/* Programs that poll the Runtime API, in the whole mesh: what they get from each source, and how they end. */

/** Answers with what it got; or with the value of `answer`, or as an error, where it is told to. */
const BOOTSTRAP = `#!/usr/bin/env node
const base = 'http://' + process.env.AWS_LAMBDA_RUNTIME_API + '/2018-06-01/runtime/invocation/';
const poll = async () => {
  for (;;) {
    const response = await fetch(base + 'next');
    const id = response.headers.get('lambda-runtime-aws-request-id');
    const event = await response.json();
    const told = event?.queryStringParameters ?? event?.query ?? event ?? {};
    if (told.wait) await new Promise((resolve) => setTimeout(resolve, Number(told.wait)));
    const post = (how, body, headers) => fetch(base + id + '/' + how, { method: 'POST', body, headers });
    if (told.fail) await post('error', JSON.stringify({ errorType: 'Oops', errorMessage: told.fail }), { 'lambda-runtime-function-error-type': 'Function.Oops' });
    else await post('response', told.answer ?? JSON.stringify({ event, pid: process.pid }));
  }
};
for (let n = Number(process.env.AWS_LAMBDA_MAX_CONCURRENCY ?? 1); n > 0; n--) void poll();
`;

function publish(of: Catalogue, manifest: object) {
  const folder = mkdtempSync(join(tmpdir(), 'mesh-program-'));
  later(() => rmSync(folder, { recursive: true, force: true }));
  writeFileSync(join(folder, 'bootstrap'), BOOTSTRAP);
  chmodSync(join(folder, 'bootstrap'), 0o755);
  const stated = { version: '1.0.0', runtime: 'provided', ...manifest };
  writeFileSync(join(folder, 'mesh.json'), JSON.stringify(stated));
  return of.publishFolder(folder);
}

afterAll(closeAll);

describe('a program', () => {
  let world: Mesh;
  beforeAll(async () => {
    world = await mesh(async (of) => {
      await publish(of, { path: 'plain' });
      await publish(of, { path: 'own', event: 'mesh' });
      await publish(of, { path: 'sent', event: 'payload' });
      await publish(of, { path: 'two', limits: { workers: 2 } });
    });
  });

  const get = (path: string) => fetch(world.url + path);
  const request = (path: string, body: string | Uint8Array) =>
    withNats(world.nats.url, async (nc) =>
      (await nc.request(`mesh.call.${path}`, body, { timeout: 10_000 })).json<{ event: unknown }>(),
    );

  it('gets from HTTP what API Gateway would send', async () => {
    const response = await get('/plain?a=1&a=2');
    expect(await response.json()).toMatchObject({
      event: {
        version: '2.0',
        rawPath: '/plain',
        queryStringParameters: { a: '1,2' },
        requestContext: { http: { method: 'GET' }, requestId: response.headers.get('mesh-id') },
      },
    });
  });

  it('answers HTTP as a function behind API Gateway does', async () => {
    const answer = { statusCode: 418, headers: { 'x-tea': 'pot' }, cookies: ['a=b'], body: 'short' };
    const response = await get(`/plain?answer=${encodeURIComponent(JSON.stringify(answer))}`);
    expect([response.status, response.headers.get('x-tea')]).toEqual([418, 'pot']);
    expect(response.headers.getSetCookie()).toEqual(['a=b']);
    expect(await response.text()).toBe('short');
    expect((await get('/plain?answer={"statusCode":"none"}')).status).toBe(500);
    const text = await get('/plain?answer=no%20JSON');
    expect([text.status, await text.text()]).toEqual([200, 'no JSON']);
  });

  it.each<[string, string | Uint8Array, unknown]>([
    ['JSON', '{"n":1}', { n: 1 }],
    ['nothing', '', null],
    ['text', 'grüß', 'grüß'],
    ['bytes', Uint8Array.of(0, 255), 'AP8='],
  ])('gets what a NATS client sent: %s', async (_, body, event) => {
    expect((await request('plain', body)).event).toEqual(event);
  });

  it('passes on every digit both ways', async () => {
    const body = '{"answer":"{\\"n\\":12345678901234567890.10}"}';
    const answer = await withNats(world.nats.url, async (nc) =>
      (await nc.request('mesh.call.sent', body, { timeout: 10_000 })).string(),
    );
    expect(answer).toBe('{"n":12345678901234567890.10}');
  });

  it("gets the mesh's own event where it asks for it", async () => {
    const form = new FormData();
    form.set('name', 'Ada');
    const response = await fetch(`${world.url}/own?id=1`, { method: 'POST', body: form });
    expect(await response.json()).toMatchObject({
      event: { path: 'own', source: 'http', method: 'POST', query: { id: '1' }, body: { name: 'Ada' } },
    });
    expect((await request('own', '{"id":2}')).event).toMatchObject({ source: 'nats', query: { id: '2' } });
  });

  it('is told of what cannot be read by nobody: its caller is', async () => {
    const broken = await fetch(`${world.url}/sent`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{',
    });
    expect([broken.status, ((await broken.json()) as { code: string }).code]).toEqual([400, 'bad-body']);
    expect((await get('/sent?a=1')).status).toBe(200);
  });

  it('of which there may be two runs two at once', async () => {
    const pids = await Promise.all(
      [1, 2].map(async () => ((await (await get('/two?wait=500')).json()) as { pid: number }).pid),
    );
    expect(new Set(pids).size).toBe(2);
  });
});

describe('work for a program', () => {
  it('waits in its stream, not on its own time', async () => {
    const scene = await workScene();
    await publish(scene, { path: 'slow', limits: { timeoutMs: 3_000 } });
    await executor(scene);
    // Together they take longer than one of them may.
    for (let n = 0; n < 8; n++) await scene.accept('slow', { wait: 600 });
    await scene.quiet(40_000);
    const records = await until(
      () => scene.records(),
      ({ length }) => length >= 8,
    );
    expect(records.map(({ outcome, attempt }) => [outcome, attempt])).toEqual(
      Array.from({ length: 8 }, () => ['ok', 1]),
    );
    expect(await scene.dead()).toEqual([]);
  }, 60_000);
});

describe('an executor', () => {
  it('that may start none says so', async () => {
    const of = await catalogue();
    await publish(of, { path: 'plain' });
    await executor(of, { MESH_PROVIDED: 'no' });
    const { url } = await ingress(of);
    const response = await fetch(`${url}/plain`);
    expect([response.status, ((await response.json()) as { code: string }).code]).toEqual([
      502,
      'unsupported-runtime',
    ]);
  });

  it('that is killed takes its programs with it', async () => {
    const of = await catalogue();
    const route = await publish(of, { path: 'plain' });
    const service = executorProcess(of);
    const { url } = await ingress(of);
    await served(of, route);
    const { pid } = (await (await fetch(`${url}/plain`)).json()) as { pid: number };
    const isRunning = () =>
      existsSync(`/proc/${pid}/stat`) && !/\) Z/.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
    expect(isRunning()).toBe(true);
    await service.end('SIGKILL');
    await until(isRunning, (runs) => !runs);
  });
});
