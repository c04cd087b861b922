import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from '@jest/globals';
import { jetstreamManager } from '@nats-io/jetstream';
import { connect as natsClient } from '@nats-io/transport-node';
import { CALLBACKS_STREAM } from '#contracts';
import { closeAll, later, until } from './fixtures/later.js';
import { type Catalogue, catalogue, type Environment, ingress } from './fixtures/mesh.js';
import { type Answer, streams, Worker } from './http-async.fixture.js';

/* Results go to the callers' own URLs: signed, again and again until taken, and nowhere that the operator did not allow. */

afterEach(closeAll);

const SECRET = 'a secret';
const LOCAL = { MESH_CALLBACK_ALLOW: '127.0.0.1', MESH_CALLBACK_SECRET: SECRET };

interface Received {
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** Whoever waits for results, on the loopback address. */
async function receiver(answer: (count: number, response: ServerResponse) => void) {
  const received: Received[] = [];
  const server = createServer((request: IncomingMessage, response: ServerResponse) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const count = received.push({ headers: request.headers, body: Buffer.concat(chunks).toString() });
      answer(count, response);
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  later(() => {
    server.closeAllConnections();
    server.close();
  });
  return { received, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook?x=1` };
}

const says = (status: number) => (_: number, response: ServerResponse) =>
  void response.writeHead(status).end();

const ANSWER: Answer = { version: '1.0.0', status: 201, contentType: 'application/json', text: '{"a":"ü"}' };

interface View {
  readonly status: string;
  readonly location: string;
  readonly detail: string;
  readonly callback: { readonly status: string; readonly attempts: number; readonly error: string };
}

async function world(environment: Environment = LOCAL, answer: Answer | Promise<Answer> = ANSWER) {
  const of = await catalogue({ open: true });
  await streams(of);
  await of.publish({ path: 'users/find', version: '1.0.0' }, 'export default () => null');
  const { url } = await ingress(of, environment);
  const worker = await Worker.on(of, () => answer);
  const post = (callback: string) =>
    fetch(`${url}/users/find`, {
      method: 'POST',
      headers: { prefer: 'respond-async', 'mesh-callback': callback },
    });
  const accepted = async (callback: string): Promise<View> => {
    const response = await post(callback);
    const view = (await response.json()) as View;
    expect([response.status, view.detail]).toEqual([202, undefined]);
    return view;
  };
  const settled = ({ location }: View, status: string) =>
    until(
      async () => ((await (await fetch(url + location)).json()) as View).callback,
      (callback) => callback.status === status,
    );
  return { of, url, worker, post, accepted, settled };
}

async function leftInStream({ nats }: Catalogue): Promise<number> {
  const client = await natsClient({ servers: nats.url });
  later(() => client.close());
  return (await (await jetstreamManager(client)).streams.info(CALLBACKS_STREAM)).state.messages;
}

const isEmpty = (of: Catalogue) =>
  until(
    () => leftInStream(of),
    (left) => left === 0,
  );

describe('a callback', () => {
  it('brings the result, signed', async () => {
    const { of, url, accepted, settled } = await world();
    const hook = await receiver(says(204));
    const before = Math.floor(Date.now() / 1_000);
    const view = await accepted(hook.url);
    expect(await settled(view, 'sent')).toEqual({ url: hook.url, status: 'sent', attempts: 1 });
    const [{ headers, body }] = hook.received as [Received];
    expect(body).toBe('{"a":"ü"}');
    expect(headers).toMatchObject({
      'content-type': 'application/json',
      'mesh-id': view.location.split('/').at(-1),
      'mesh-status': '201',
      'mesh-outcome': 'ok',
      'mesh-version': '1.0.0',
      host: new URL(hook.url).host,
    });
    const [, time = '', mac] = /^t=(\d+),v1=([0-9a-f]{64})$/.exec(String(headers['mesh-signature'])) ?? [];
    expect(mac).toBe(createHmac('sha256', SECRET).update(`${time}.${body}`).digest('hex'));
    expect(Number(time)).toBeGreaterThanOrEqual(before);
    await isEmpty(of);
    // The result is still where it was.
    expect(await (await fetch(`${url}${view.location}/result`)).text()).toBe(body);
    expect(await (await fetch(`${url}/metrics`)).text()).toMatch(
      /^mesh_http_callbacks_total\{[^}]*end="sent"[^}]*\} 1$/m,
    );
  });

  it('comes again until it is taken', async () => {
    const { of, accepted, settled } = await world();
    const hook = await receiver((count, response) => {
      if (count === 1) response.writeHead(500).end();
      else if (count === 2) response.destroy();
      else response.writeHead(200).end('thanks');
    });
    const view = await accepted(hook.url);
    expect(await settled(view, 'sent')).toMatchObject({ attempts: 3 });
    expect(new Set(hook.received.map(({ headers }) => headers['mesh-id'])).size).toBe(1);
    await isEmpty(of);
  });

  it('that nobody takes says why, and waits', async () => {
    const { of, accepted, url } = await world();
    const hook = await receiver(
      (_, response) => void response.writeHead(503, { 'retry-after': '600' }).end(),
    );
    const { location } = await accepted(hook.url);
    const tried = await until(
      async () => (await (await fetch(url + location)).json()) as View,
      ({ callback }) => callback.attempts > 0,
    );
    expect(tried).toMatchObject({
      status: 'done',
      callback: { status: 'waiting', attempts: 1, error: 'The callback answered 503.' },
    });
    expect(await leftInStream(of)).toBe(1);
    expect(hook.received).toHaveLength(1);
  });

  it('that is refused for good is given up, which is written down', async () => {
    const { of, accepted, settled } = await world();
    const hook = await receiver(says(410));
    const view = await accepted(hook.url);
    expect(await settled(view, 'failed')).toEqual({
      url: hook.url,
      status: 'failed',
      attempts: 1,
      error: 'The callback answered 410.',
    });
    await isEmpty(of);
  });

  it('of what was cancelled while it ran is not sent', async () => {
    const cancelled = Promise.withResolvers<Answer>();
    const { of, url, worker, accepted, settled } = await world(LOCAL, cancelled.promise);
    const hook = await receiver(says(200));
    const { location } = await accepted(hook.url);
    await until(
      () => worker.seen.length,
      (length) => length === 1,
    );
    expect((await fetch(url + location, { method: 'DELETE' })).status).toBe(200);
    cancelled.resolve(ANSWER);
    const other = await accepted(hook.url);
    await settled(other, 'sent');
    await isEmpty(of);
    expect(hook.received.map(({ headers }) => headers['mesh-id'])).toEqual([
      other.location.split('/').at(-1),
    ]);
  });

  it('follows no redirect', async () => {
    const { accepted, url } = await world();
    const inside = await receiver(says(200));
    const hook = await receiver(
      (_, response) => void response.writeHead(307, { location: inside.url }).end(),
    );
    const { location } = await accepted(hook.url);
    await until(
      async () => (await (await fetch(url + location)).json()) as View,
      ({ callback }) => callback.error === 'The callback answered 307.',
    );
    expect(inside.received).toEqual([]);
  });

  it('whose receiver does not answer holds up no other', async () => {
    const { accepted, settled } = await world();
    const frozen = await receiver(() => undefined);
    const hook = await receiver(says(200));
    await Promise.all(Array.from({ length: 40 }, () => accepted(frozen.url)));
    await settled(await accepted(hook.url), 'sent');
    expect(frozen.received.length).toBeLessThanOrEqual(16);
  });

  it('is one of 1,000 to the same host, and each gets there', async () => {
    const { of, accepted } = await world();
    const hook = await receiver(says(200));
    const views = await Promise.all(Array.from({ length: 1_000 }, () => accepted(hook.url)));
    await until(
      () => hook.received.length,
      (length) => length >= 1_000,
      30_000,
    );
    await isEmpty(of);
    const ids = hook.received.map(({ headers }) => headers['mesh-id']);
    expect(ids.sort()).toEqual(views.map(({ location }) => location.split('/').at(-1)).sort());
  }, 60_000);

  it('of a result without a body, of a failure, and of the largest result arrives', async () => {
    const largest = 'x'.repeat(1024 * 1024);
    for (const answer of [
      { status: 204 },
      { outcome: 'failed', status: 409 },
      { text: largest },
    ] as Answer[]) {
      const { accepted, settled } = await world(LOCAL, answer);
      const hook = await receiver(says(200));
      await settled(await accepted(hook.url), 'sent');
      expect(hook.received).toMatchObject([
        { body: answer.text ?? '', headers: { 'mesh-status': String(answer.status ?? 200) } },
      ]);
      await closeAll();
    }
  });
});

describe('where results may not go', () => {
  it('is refused before the work is accepted', async () => {
    const { post } = await world({ ...LOCAL, MESH_CALLBACK_ALLOW: '*.example.org,*' });
    const hook = await receiver(says(200));
    const { port } = new URL(hook.url);
    for (const url of [
      hook.url,
      `http://localhost:${port}`,
      `http://127.1:${port}`,
      `http://2130706433:${port}`,
      `http://0x7f000001:${port}`,
      `http://[::1]:${port}`,
      `http://[::ffff:127.0.0.1]:${port}`,
      `http://0.0.0.0:${port}`,
      'http://169.254.169.254/latest/meta-data',
      `http://a@127.0.0.1:${port}`,
      'ftp://example.org',
      '//example.org',
      'example.org',
    ]) {
      const response = await post(url);
      expect([url, response.status]).toEqual([url, 400]);
      expect(await response.json()).toMatchObject({
        code: 'bad-request',
        detail: expect.stringContaining('mesh-callback'),
      });
    }
    expect(hook.received).toEqual([]);
  });

  it('is refused again when it is sent: what was allowed then need not be now', async () => {
    const of = await catalogue({ open: true });
    await streams(of);
    await of.publish({ path: 'users/find', version: '1.0.0' }, 'export default () => null');
    const hook = await receiver(says(200));
    const before = await ingress(of, LOCAL);
    const response = await fetch(`${before.url}/users/find`, {
      headers: { prefer: 'respond-async', 'mesh-callback': hook.url },
    });
    const { location } = (await response.json()) as View;
    await before.stop();
    const after = await ingress(of, { ...LOCAL, MESH_CALLBACK_ALLOW: 'hooks.example.org' });
    await Worker.on(of, () => ANSWER);
    await until(
      async () => (await (await fetch(after.url + location)).json()) as View,
      ({ callback }) => callback.status === 'failed',
    );
    expect(hook.received).toEqual([]);
    await isEmpty(of);
  });

  it('is anywhere without a list, and nothing is sent without a secret', async () => {
    const { post } = await world({});
    expect((await post('https://hooks.example.org')).status).toBe(400);
    await expect(world({ MESH_CALLBACK_ALLOW: '*' })).rejects.toThrow('MESH_CALLBACK_SECRET');
    await expect(world({ MESH_CALLBACK_ALLOW: 'https://a.b', MESH_CALLBACK_SECRET: 's' })).rejects.toThrow(
      'MESH_CALLBACK_ALLOW',
    );
  });
});
