import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from '@jest/globals';
import { closeAll, later, until } from './fixtures/later.js';
import { catalogue, executor, ingress } from './fixtures/mesh.js';
import { streams } from './http-async.fixture.js';

/* Asynchronous HTTP with a real executor, each service with the permissions of its own user. */

afterEach(closeAll);

const HANDLERS: Record<string, string> = {
  works: '(e) => ({ body: e.body, method: e.method })',
  fails: '(e, c) => c("FAIL", { error: "no" }, { status: 422 })',
  throws: '() => { throw new Error("secret in /etc/file.ts") }',
  binary: '() => new Uint8Array([0, 255])',
};

interface View {
  readonly location: string;
  readonly status: string;
  readonly attempts: number;
  readonly result: { readonly outcome: string; readonly status: number; readonly body: unknown };
  readonly callback: { readonly status: string };
}

async function world(withExecutor = true) {
  const of = await catalogue();
  await streams(of);
  for (const [path, code] of Object.entries(HANDLERS))
    await of.publish(
      { path, version: '1.0.0', work: { attempts: 2, backoffMs: 1 } },
      `export default ${code}`,
    );
  const callbacks = { MESH_CALLBACK_ALLOW: '127.0.0.0/8', MESH_CALLBACK_SECRET: 's' };
  const { url } = await ingress(of, callbacks);
  if (withExecutor) await executor(of);
  const accepted = async (path: string, headers: Record<string, string> = {}, body = 'body') => {
    const response = await fetch(`${url}/${path}`, {
      method: 'POST',
      headers: { prefer: 'respond-async', 'content-type': 'text/plain', ...headers },
      body,
    });
    expect(response.status).toBe(202);
    return response.json() as Promise<View>;
  };
  const ended = async ({ location }: View) =>
    (await (await fetch(url + location, { headers: { prefer: 'wait=30' } })).json()) as View;
  return { of, url, accepted, ended };
}

describe('an asynchronous call', () => {
  it.each<[string, object]>([
    ['works', { outcome: 'ok', status: 200, version: '1.0.0', body: { body: 'body', method: 'POST' } }],
    ['fails', { outcome: 'failed', status: 422, body: { error: 'no' } }],
    ['throws', { outcome: 'handler-error', status: 500, body: { code: 'handler-error' } }],
    ['binary', { outcome: 'ok', status: 200, encoding: 'base64', body: 'AP8=' }],
  ])('of a handler that %s is told of', async (path, result) => {
    const { accepted, ended } = await world();
    const view = await ended(await accepted(path));
    expect(view).toMatchObject({ status: 'done', attempts: path === 'throws' ? 2 : 1, result });
    expect(JSON.stringify(view)).not.toContain('secret');
  });

  it('that is cancelled, expired or late is treated so while no executor is there', async () => {
    const { of, url, accepted, ended } = await world(false);
    const cancelled = await accepted('works');
    expect((await fetch(url + cancelled.location, { method: 'DELETE' })).status).toBe(200);
    const soon = new Date(Date.now() + 2_000).toISOString();
    const expired = await accepted('works', { 'mesh-expires': soon });
    const delayed = await accepted('works', { 'mesh-delay': '0.5' });
    await until(
      () => Date.now(),
      (now) => now > Date.parse(soon),
    );
    await executor(of);
    expect(await ended(delayed)).toMatchObject({ status: 'done', result: { outcome: 'ok' } });
    expect(await ended(expired)).toMatchObject({
      status: 'done',
      attempts: 0,
      result: { outcome: 'expired', status: 410 },
    });
    expect(await ended(cancelled)).toMatchObject({ status: 'cancelled' });
  });

  it('has its result brought', async () => {
    const { url, accepted } = await world();
    const bodies: string[] = [];
    const server = createServer((request, response) => {
      request.on('data', (chunk: Buffer) => void bodies.push(chunk.toString()));
      request.on('end', () => void response.end());
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    later(() => server.close());
    const { port } = server.address() as AddressInfo;
    const { location } = await accepted('fails', { 'mesh-callback': `http://127.0.0.1:${port}/` });
    await until(
      async () => (await (await fetch(url + location)).json()) as View,
      ({ callback }) => callback.status === 'sent',
    );
    expect(bodies).toEqual(['{"error":"no"}']);
  });

  it('1,000 of them all end', async () => {
    const { accepted, ended } = await world();
    const views = await Promise.all(
      Array.from({ length: 1_000 }, (_, i) => accepted('works', {}, String(i))),
    );
    const ends = await Promise.all(views.map(ended));
    expect(ends.map(({ result }) => (result.body as { body: string }).body)).toEqual(
      views.map((_, i) => String(i)),
    );
  });
});
