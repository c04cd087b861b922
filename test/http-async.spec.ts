import { connect } from 'node:net';
import { afterEach, describe, expect, it } from '@jest/globals';
import { jetstreamManager } from '@nats-io/jetstream';
import { nanos, connect as natsClient } from '@nats-io/transport-node';
import { type ManifestInput, RESULTS_BUCKET, WORK_STREAM } from '#contracts';
import type { StreamOptions } from '#fabric';
import { closeAll, later, until } from './fixtures/later.js';
import { type Catalogue, catalogue, type Environment, ingress } from './fixtures/mesh.js';
import { type Answer, type SeenWork, streams, Worker } from './http-async.fixture.js';

/* Asynchronous HTTP: accepted means that the stream has it, and what became of it is told for as long as was said. */

afterEach(closeAll);

const NOTHING = 'export default () => null';
const USERS: ManifestInput = { path: 'users/find', version: '1.0.0' };

interface World extends Catalogue {
  readonly url: string;
}

async function world(
  manifests: ManifestInput[] = [USERS],
  environment: Environment = {},
  options: Partial<StreamOptions> = {},
): Promise<World> {
  const of = await catalogue({ open: true });
  await streams(of, options);
  for (const manifest of manifests) await of.publish(manifest, NOTHING);
  return { ...of, url: (await ingress(of, environment)).url };
}

const respondAsync = (url: string, headers: Record<string, string> = {}, body = '') =>
  fetch(url, { method: 'POST', headers: { prefer: 'respond-async', ...headers }, body });

interface View {
  readonly id: string;
  readonly status: string;
  readonly code: string;
  readonly detail: string;
  readonly location: string;
  readonly expires: string;
  readonly startsAt: string;
}
const viewOf = (response: Response) => response.json() as Promise<View>;
const accepted = async (url: string, headers: Record<string, string> = {}, body = ''): Promise<View> => {
  const response = await respondAsync(url, headers, body);
  const view = await viewOf(response);
  expect([response.status, view.detail]).toEqual([202, undefined]);
  return view;
};
const stateOf = async (url: string, { location }: View, prefer?: string): Promise<View> =>
  viewOf(await fetch(url + location, prefer === undefined ? {} : { headers: { prefer } }));
const refusal = async (response: Response) => [response.status, (await viewOf(response)).code];

/** Messages in the stream of work, schedules among them. */
async function waitingWork({ nats }: Catalogue): Promise<number> {
  const client = await natsClient({ servers: nats.url });
  later(() => client.close());
  const { state } = await (await jetstreamManager(client)).streams.info(WORK_STREAM);
  return state.messages;
}

const ran = (worker: Worker, count: number) =>
  until(
    () => worker.seen.length,
    (length) => length >= count,
  );

describe('a caller who does not wait', () => {
  it('gets 202 once the stream has it, and finds the result where it was told', async () => {
    const { url, ...of } = await world();
    const response = await respondAsync(
      `${url}/users/find?id=42`,
      { 'content-type': 'application/json' },
      '{"a":1}',
    );
    expect(response.status).toBe(202);
    expect(response.headers.get('preference-applied')).toBe('respond-async');
    const view = await viewOf(response);
    expect(response.headers.get('location')).toBe(`/invocations/${view.id}`);
    expect(view).toEqual({
      id: response.headers.get('mesh-id'),
      status: 'waiting',
      location: `/invocations/${view.id}`,
      expires: expect.stringMatching(/^20.*Z$/),
    });
    expect(await waitingWork(of)).toBe(1);
    const waiting = await fetch(url + view.location);
    expect([waiting.status, waiting.headers.get('retry-after')]).toEqual([200, '1']);
    expect((await viewOf(waiting)).status).toBe('waiting');
    expect((await fetch(`${url}${view.location}/result`)).status).toBe(202);

    const answer: Answer = { status: 201, contentType: 'application/json', text: '{"b":2}' };
    const worker = await Worker.on(of, () => answer);
    const done = await fetch(url + view.location, { headers: { prefer: 'wait=10' } });
    expect(done.headers.get('preference-applied')).toBe('wait=10');
    expect(await viewOf(done)).toMatchObject({
      status: 'done',
      attempts: 1,
      result: { outcome: 'ok', status: 201, encoding: 'json', body: { b: 2 } },
    });
    expect(worker.seen).toMatchObject([
      { path: 'users/find', body: '{"a":1}', work: { id: view.id, keep: true } },
    ]);
    const result = await fetch(`${url}${view.location}/result`);
    expect([result.status, await result.text()]).toEqual([201, '{"b":2}']);
  });

  it('has asked for it: without respond-async nothing is kept', async () => {
    const { url, ...of } = await world();
    for (const prefer of [undefined, 'wait=5', 'x="respond-async"'])
      expect(
        await refusal(await fetch(`${url}/users/find`, prefer === undefined ? {} : { headers: { prefer } })),
      ).toEqual([503, 'no-executor']);
    for (const name of ['mesh-delay', 'mesh-at', 'mesh-expires', 'mesh-callback'])
      expect(await refusal(await fetch(`${url}/users/find`, { headers: { [name]: '1' } }))).toEqual([
        400,
        'bad-request',
      ]);
    expect(await waitingWork(of)).toBe(0);
  });

  it('is refused as a caller who waits would be', async () => {
    const { url, ...of } = await world([
      USERS,
      { path: 'only/get', version: '1.0.0', triggers: [{ http: { method: 'GET' } }] },
    ]);
    const large = 'x'.repeat(8 * 1024 * 1024);
    expect(await refusal(await respondAsync(`${url}/no/such`))).toEqual([404, 'no-route']);
    expect(await refusal(await respondAsync(`${url}/users/find@2.0.0`))).toEqual([404, 'no-version']);
    expect(await refusal(await respondAsync(`${url}/only/get`))).toEqual([405, 'method-not-allowed']);
    expect(await refusal(await respondAsync(`${url}/users/find`, {}, large))).toEqual([
      413,
      'payload-too-large',
    ]);
    expect(
      await refusal(await respondAsync(`${url}/users/find`, { 'mesh-callback': 'https://a.b' })),
    ).toEqual([400, 'bad-request']);
    expect(await waitingWork(of)).toBe(0);
  });

  it('may send the largest body, unless its headers leave no room for a dead letter', async () => {
    const { url } = await world();
    const largest = 'x'.repeat(8 * 1024 * 1024 - 16 * 1024);
    expect((await respondAsync(`${url}/users/find`, {}, largest)).status).toBe(202);
    const response = await respondAsync(`${url}/users/find`, { 'x-long': 'y'.repeat(13_000) }, largest);
    expect(await refusal(response)).toEqual([413, 'payload-too-large']);
  });

  it('leaves no secret in the stream that the handler does not ask for', async () => {
    const { url, ...of } = await world(
      [USERS, { path: 'users/me', version: '1.0.0', work: { headers: ['authorization'] } }],
      { MESH_WORK_DROP_HEADERS: 'X-Api-Key' },
    );
    const worker = await Worker.on(of);
    const secret = {
      authorization: 'Bearer a',
      cookie: 'c=1',
      'proxy-authorization': 'p',
      'x-api-key': 'k',
      'nats-schedule': '@every 1s',
      'x-kept': '1',
    };
    const first = await accepted(`${url}/users/find`, secret);
    const second = await accepted(`${url}/users/me`, secret);
    await ran(worker, 2);
    const headersOf = ({ id }: View) => {
      const { headers } = worker.seen.find(({ work }) => work.id === id) as SeenWork;
      expect(Object.keys(headers).filter((name) => name.startsWith('nats-'))).toEqual(['nats-msg-id']);
      return JSON.parse(headers['mesh-meta'] as string).headers as Record<string, string>;
    };
    const dropped = ['authorization', 'cookie', 'proxy-authorization', 'x-api-key', 'nats-schedule'];
    for (const name of dropped) expect(headersOf(first)).not.toHaveProperty(name);
    expect(headersOf(first)).toHaveProperty('x-kept', '1');
    expect(headersOf(second)).toHaveProperty('authorization', 'Bearer a');
    expect(headersOf(second)).not.toHaveProperty('cookie');
  });

  it('fixes the version that it pins, and how long it is worth starting', async () => {
    const { url, ...of } = await world();
    const worker = await Worker.on(of);
    await accepted(`${url}/users/find@1.0.0`, { 'mesh-expires': '2100-01-01T00:00:00Z' });
    await ran(worker, 1);
    expect(worker.seen[0]?.work).toMatchObject({ version: '1.0.0', expires: Date.UTC(2100, 0, 1) });
  });

  it('is told 503 where nothing can be kept, and nothing is', async () => {
    const of = await catalogue({ open: true });
    await of.publish(USERS, NOTHING);
    const { url } = await ingress(of);
    // No registry was ever there.
    const early = await respondAsync(`${url}/users/find`);
    expect([early.status, early.headers.get('retry-after'), (await viewOf(early)).code]).toEqual([
      503,
      '1',
      'not-connected',
    ]);
    expect(await refusal(await fetch(`${url}/invocations/0190d0c0-0000-7000-8000-00000000002a`))).toEqual([
      503,
      'not-connected',
    ]);
    await streams(of, { workMaxPerPath: 2 });
    await accepted(`${url}/users/find`);
    await accepted(`${url}/users/find`);
    const full = await respondAsync(`${url}/users/find`, { 'idempotency-key': 'k' });
    expect([full.status, full.headers.get('retry-after'), (await viewOf(full)).code]).toEqual([
      503,
      '1',
      'queue-full',
    ]);
    const worker = await Worker.on(of);
    await ran(worker, 2);
    await until(
      () => waitingWork(of),
      (count) => count === 0,
    );
    // The claim that the full stream left behind is in nobody's way.
    await accepted(`${url}/users/find`, { 'idempotency-key': 'k' });
    await ran(worker, 3);
    await of.nats.stop();
    await until(
      () => respondAsync(`${url}/users/find`).then(refusal),
      ([status, code]) => status === 503 && code === 'not-connected',
    );
  });
});

describe('a bucket of results that is full', () => {
  it('refuses calls whose result it could not keep', async () => {
    const { url, ...of } = await world([USERS], {}, { resultsMaxBytes: 3_000 });
    const answers: number[] = [];
    for (let i = 0; i < 20; i++) answers.push((await respondAsync(`${url}/users/find`)).status);
    expect(new Set(answers)).toEqual(new Set([202, 503]));
    expect(await waitingWork(of)).toBe(answers.filter((status) => status === 202).length);
    expect(await refusal(await respondAsync(`${url}/users/find`))).toEqual([503, 'queue-full']);
  });
});

describe('the state of a call', () => {
  it('is forgotten when that was said', async () => {
    const { url, ...of } = await world([USERS], { MESH_RESULTS_TTL: '1' });
    const view = await accepted(`${url}/users/find`);
    const expires = Date.parse(view.expires);
    await until(
      () => fetch(url + view.location).then(({ status }) => status),
      (status) => status === 404,
    );
    expect(Date.now()).toBeGreaterThanOrEqual(expires);
    // What nobody remembers still runs.
    expect(await waitingWork(of)).toBe(1);
  });

  it('is waited for no longer than asked, and by nobody while the service stops', async () => {
    const of = await catalogue({ open: true });
    await streams(of);
    await of.publish(USERS, NOTHING);
    const { url, stop } = await ingress(of);
    const view = await accepted(`${url}/users/find`);
    const started = performance.now();
    expect((await stateOf(url, view, 'wait=1')).status).toBe('waiting');
    expect(performance.now() - started).toBeGreaterThan(900);
    const waiting = stateOf(url, view, 'wait=30');
    await until(
      () => fetch(`${url}/metrics`).then((response) => response.text()),
      (text) => /^mesh_http_in_flight\{[^}]*\} 1$/m.test(text),
    );
    await stop();
    expect((await waiting).status).toBe('waiting');
    expect(performance.now() - started).toBeLessThan(15_000);
  });

  it('of what never was is not found', async () => {
    const { url } = await world();
    for (const path of [
      '0190d0c0-0000-7000-8000-00000000002a',
      '0190D0C0-0000-7000-8000-00000000002A',
      '*',
      '%3E',
      'users/find',
      '',
    ])
      expect(await refusal(await fetch(`${url}/invocations/${path}`))).toEqual([404, 'not-found']);
    const { location } = await accepted(`${url}/users/find`);
    expect(await refusal(await fetch(url + location, { method: 'PUT' }))).toEqual([
      405,
      'method-not-allowed',
    ]);
  });

  it('is told to whoever may call', async () => {
    const { url } = await world([USERS], { MESH_HTTP_TOKEN: 'secret' });
    const bearer = { authorization: 'Bearer secret' };
    const { location } = await accepted(`${url}/users/find`, bearer);
    expect(await refusal(await fetch(url + location))).toEqual([401, 'unauthorized']);
    expect(await refusal(await fetch(url + location, { method: 'DELETE' }))).toEqual([401, 'unauthorized']);
    expect((await fetch(url + location, { headers: bearer })).status).toBe(200);
  });
});

describe('an idempotency key', () => {
  it('names one request: sent again it is the same, another with it is refused', async () => {
    const { url, ...of } = await world();
    const key = { 'idempotency-key': '"order 7"' };
    const first = await accepted(`${url}/users/find`, key, 'body');
    const again = await accepted(`${url}/users/find`, key, 'body');
    expect(again).toEqual(first);
    expect(await refusal(await respondAsync(`${url}/users/find`, key, 'other'))).toEqual([422, 'key-reused']);
    expect(await refusal(await respondAsync(`${url}/users/find?a=1`, key, 'body'))).toEqual([
      422,
      'key-reused',
    ]);
    const other = await accepted(`${url}/users/find`, { ...key, authorization: 'Bearer other' }, 'body');
    expect(other.id).not.toBe(first.id);
    const worker = await Worker.on(of);
    expect((await stateOf(url, first, 'wait=10')).status).toBe('done');
    const late = await accepted(`${url}/users/find`, key, 'body');
    expect([late.id, late.status]).toEqual([first.id, 'done']);
    await stateOf(url, other, 'wait=10');
    expect(worker.seen).toHaveLength(2);
  });

  it('is known for longer than the stream remembers what it had', async () => {
    const { url, ...of } = await world();
    const client = await natsClient({ servers: of.nats.url });
    later(() => client.close());
    const manager = await jetstreamManager(client);
    await manager.streams.update(WORK_STREAM, { duplicate_window: nanos(100) });
    const { id } = await accepted(`${url}/users/find`, { 'idempotency-key': 'k' });
    const kept = `$KV.${RESULTS_BUCKET}.${id}`;
    await until(
      async () => (await manager.streams.getMessage(`KV_${RESULTS_BUCKET}`, { last_by_subj: kept }))?.seq,
      (seq) => seq === 2,
    );
    const published = Date.now();
    await until(
      () => Date.now() - published,
      (passed) => passed > 300,
    );
    await accepted(`${url}/users/find`, { 'idempotency-key': 'k' });
    expect(await waitingWork(of)).toBe(1);
  });

  it('sent 1,000 times at once runs once', async () => {
    const { url, ...of } = await world();
    const worker = await Worker.on(of);
    const views = await Promise.all(
      Array.from({ length: 1_000 }, () => accepted(`${url}/users/find`, { 'idempotency-key': 'k' }, 'body')),
    );
    const [first] = views as [View];
    expect(new Set(views.map(({ id }) => id))).toEqual(new Set([first.id]));
    expect((await stateOf(url, first, 'wait=10')).status).toBe('done');
    await until(
      () => waitingWork(of),
      (count) => count === 0,
    );
    expect(worker.seen).toHaveLength(1);
  });
});

describe('what still waits', () => {
  it('can be cancelled, and does not run; what is done cannot', async () => {
    const { url, ...of } = await world();
    const view = await accepted(`${url}/users/find`, { 'idempotency-key': 'k' });
    const other = await accepted(`${url}/users/find`);
    const cancels: string[] = [];
    const client = await natsClient({ servers: of.nats.url });
    later(() => client.close());
    client.subscribe('mesh.cancel.>', { callback: (_, message) => void cancels.push(message.subject) });
    await client.flush();
    for (let times = 0; times < 2; times++) {
      const response = await fetch(url + view.location, { method: 'DELETE' });
      expect([response.status, (await viewOf(response)).status]).toEqual([200, 'cancelled']);
    }
    await until(
      () => cancels.length,
      (count) => count > 0,
    );
    expect(cancels).toEqual([`mesh.cancel.${view.id}`]);
    expect(await refusal(await respondAsync(`${url}/users/find`, { 'idempotency-key': 'k' }))).toEqual([
      409,
      'ended',
    ]);
    const worker = await Worker.on(of);
    expect((await stateOf(url, other, 'wait=10')).status).toBe('done');
    expect(await refusal(await fetch(url + other.location, { method: 'DELETE' }))).toEqual([409, 'ended']);
    await until(
      () => waitingWork(of),
      (count) => count === 0,
    );
    expect(worker.seen.map(({ work }) => work.id)).toEqual([other.id]);
    expect((await stateOf(url, view)).status).toBe('cancelled');
    expect((await fetch(`${url}${view.location}/result`)).status).toBe(499);
  });

  it('stays cancelled where it was being run', async () => {
    const { url, ...of } = await world();
    const cancelled = Promise.withResolvers<Answer>();
    const worker = await Worker.on(of, () => cancelled.promise);
    const view = await accepted(`${url}/users/find`);
    await ran(worker, 1);
    expect((await fetch(url + view.location, { method: 'DELETE' })).status).toBe(200);
    cancelled.resolve({ status: 200 });
    await until(
      () => waitingWork(of),
      (count) => count === 0,
    );
    expect((await stateOf(url, view)).status).toBe('cancelled');
  });

  it('asked for by a connection that went away still runs', async () => {
    const { url, ...of } = await world();
    const { hostname, port } = new URL(url);
    const socket = connect(Number(port), hostname);
    socket.end('POST /users/find HTTP/1.1\r\nHost: x\r\nPrefer: respond-async\r\nContent-Length: 1\r\n\r\nx');
    const worker = await Worker.on(of);
    await ran(worker, 1);
    socket.destroy();
  });
});
