import { pathToFileURL } from 'node:url';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import {
  type ControlPath,
  DEAD_STREAM,
  deadSubject,
  decodeHeaders,
  encodeDeadLetter,
  encodeReplay,
  encodeWork,
  mintMeshId,
  WORK_STREAM,
  type WorkEnvelope,
  workSubject,
} from '#contracts';
import { type Connection, connect, createStreamWriter, openStreamStock, type StreamStock } from '#fabric';
import { type NatsServer, type PostgresServer, startNats, startPostgres } from '#servers';
import { ServiceProcess } from './fixtures/service-process.js';
import { until } from './fixtures/until.js';
import {
  type Answer,
  artifactOf,
  closeAll,
  get,
  later,
  publish,
  registry,
  request,
  temporaryFolder,
} from './registry.fixture.js';

/* Work that ended badly: looked at, run again, dropped; with a real registry, and an executor where one is needed. */

let postgres: PostgresServer;
let nats: NatsServer;
let database: string;
let connection: Connection;
let dead: StreamStock;
let work: StreamStock;
let databases = 0;
beforeAll(async () => {
  postgres = await startPostgres();
});
afterEach(closeAll);
afterAll(() => postgres.stop());

async function world() {
  nats = await startNats();
  later(() => nats.stop());
  database = await postgres.createDatabase(`dead${++databases}`);
  const running = await registry({ database, nats });
  await running.joined;
  const { user: natsUser, password: natsPassword } = nats.users.registry;
  connection = await connect({
    name: 'test',
    natsUrl: nats.url,
    natsUser,
    natsPassword,
    natsCredentials: undefined,
  });
  later(() => connection.close());
  dead = openStreamStock(connection, DEAD_STREAM);
  work = openStreamStock(connection, WORK_STREAM);
  return running;
}

type Registry = Awaited<ReturnType<typeof world>>;

function executor(of: Registry): void {
  const service = new ServiceProcess('executor', {
    MESH_NATS_URL: nats.url,
    MESH_NATS_USER: nats.users.executor.user,
    MESH_NATS_PASSWORD: nats.users.executor.password,
    MESH_ARTIFACTS_URL: pathToFileURL(of.artifacts).href,
    MESH_CACHE_DIR: temporaryFolder(),
    MESH_ISOLATION: 'inline',
    MESH_HEALTH_PORT: '0',
  });
  later(() => service.end('SIGKILL'));
}

const path = 'users/find' as ControlPath;

async function accept(body: string, more: Partial<WorkEnvelope> = {}): Promise<string> {
  const id = mintMeshId();
  const envelope = { id, meta: { source: 'mqtt' as const }, acceptedAt: Date.now(), ...more };
  await createStreamWriter(connection).write(
    workSubject(path),
    encodeWork(path, envelope),
    Buffer.from(body),
  );
  return id;
}

/** Puts a dead letter where an executor would. */
async function bury(body: string | Buffer, more: Partial<WorkEnvelope> = {}, at: ControlPath = path) {
  const id = mintMeshId();
  const envelope = { id, meta: { source: 'http' as const }, acceptedAt: Date.now(), ...more };
  const event = decodeHeaders(encodeWork(at, envelope));
  const facts = { reason: 'handler-error' as const, error: 'It broke: ü', attempts: 5, at: Date.now() };
  const headers = encodeDeadLetter(event, { id, replay: 0 }, facts);
  await createStreamWriter(connection).write(deadSubject(at), headers, Buffer.from(body));
  return id;
}

const post = (of: Registry, where: string, body: object = {}): Promise<Answer> =>
  request(`${of.url}/v1/dead${where}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
const remove = (of: Registry, where: string) => request(`${of.url}/v1/dead${where}`, { method: 'DELETE' });
const publishLive = async (of: Registry, code: string, more: object = {}) =>
  publish(of, path, await artifactOf({ path, version: '1.0.0', ...more }, code));

describe('a dead letter', () => {
  it('is listed, shown with its event and its attempts, replayed, and runs again', async () => {
    const running = await world();
    const throwing = 'export default () => { throw new Error("not yet"); };';
    await publishLive(running, throwing, { work: { attempts: 2, backoffMs: 1 } });
    executor(running);
    const id = await accept('{"id":"42"}', { contentType: 'application/json' });
    const listed = await until(async () => (await get(running, '/v1/dead')).body.items[0]);
    expect(listed).toMatchObject({
      id,
      path,
      reason: 'handler-error',
      attempts: 2,
      source: 'mqtt',
      replay: 0,
    });
    const shown = await until(async () => {
      const { body } = await get(running, `/v1/dead/${id}`);
      return body.runs?.length === 2 && body;
    });
    expect(shown).toMatchObject({ encoding: 'json', body: { id: '42' } });
    expect(shown.headers).toMatchObject({ 'ce-subject': path, 'mesh-id': id });
    expect(shown.runs.map(({ attempt }: { attempt: number }) => attempt)).toEqual([1, 2]);
    await publishLive(running, 'export default (event) => event.body;', { version: '1.1.0' });
    expect((await post(running, `/${id}/replay`)).body).toMatchObject({ matched: 1, done: 1 });
    await until(async () => {
      const runs = await get(running, `/v1/invocations?path=${encodeURIComponent(path)}`);
      return runs.body.items.some(
        (run: { id: string; outcome: string }) => run.id === id && run.outcome === 'ok',
      );
    });
    expect((await get(running, `/v1/dead/${id}`)).body).toMatchObject({ status: 404, code: 'not-found' });
    expect((await work.state()).messages).toBe(0);
    const [entry] = (await get(running, '/v1/audit?action=dead-replay')).body.items;
    expect(entry).toMatchObject({ actor: 'admin', path, detail: { id, count: 1, reason: 'handler-error' } });
  }, 60_000);

  it('says which replay it is, and does not expire again', async () => {
    const running = await world();
    await publishLive(running, '');
    const id = await bury('x', { expires: Date.now() - 1_000 });
    await post(running, `/${id}/replay`);
    const headers = (await work.next(workSubject(path), 1))?.headers;
    expect(headers).toMatchObject({ 'mesh-id': id, 'mesh-replay': '1', 'ce-id': id });
    expect(Object.keys(headers ?? {}).filter((name) => /dead|expires/.test(name))).toEqual([]);
  }, 30_000);

  it('that a registry had replayed when it died is only removed by the next replay', async () => {
    const running = await world();
    await publishLive(running, '');
    const id = await bury('x');
    const letter = await dead.next('mesh.dead.>', 1);
    // What a registry has done that is killed between the two.
    await createStreamWriter(connection).write(
      workSubject(path),
      encodeReplay(letter?.headers ?? {}),
      Buffer.from('x'),
    );
    expect((await post(running, `/${id}/replay`)).status).toBe(200);
    expect((await work.state()).messages).toBe(1);
    expect((await dead.state()).messages).toBe(0);
    expect((await post(running, `/${id}/replay`)).status).toBe(404);
  }, 30_000);

  it('of a path that is gone is not replayed, since it would be back at once', async () => {
    const running = await world();
    const id = await bury('x');
    expect((await post(running, `/${id}/replay`)).body).toMatchObject({ status: 404, code: 'no-route' });
    expect((await post(running, '/replay', { all: true })).body).toMatchObject({
      matched: 1,
      done: 0,
      refused: [{ id, code: 'no-route' }],
      next: null,
    });
    expect((await dead.state()).messages).toBe(1);
  }, 30_000);

  it('shows any body, and is dropped for good', async () => {
    const running = await world();
    const bytes = Buffer.from([0xff, 0x00, 0x80]);
    const binary = await bury(bytes);
    const text = await bury('no json', { contentType: 'text/plain' });
    expect((await get(running, `/v1/dead/${binary}`)).body).toMatchObject({
      encoding: 'base64',
      body: bytes.toString('base64'),
      size: 3,
      error: 'It broke: ü',
    });
    const { seq } = (await get(running, `/v1/dead/${text}`)).body;
    expect((await get(running, `/v1/dead/${seq}`)).body).toMatchObject({ encoding: 'text', body: 'no json' });
    expect((await remove(running, `/${binary}`)).status).toBe(200);
    expect((await remove(running, `/${binary}`)).status).toBe(404);
    expect((await get(running, '/v1/audit?action=dead-drop')).body.items).toHaveLength(1);
  }, 30_000);
});

describe('many dead letters', () => {
  it('are found by path, reason and time, the newest first, page by page', async () => {
    const running = await world();
    const ids: string[] = [];
    for (let i = 0; i < 25; i++)
      ids.push(await bury(`${i}`, {}, (i % 5 === 0 ? 'users/list' : path) as ControlPath));
    const list = (query: string) => get(running, `/v1/dead?${query}`);
    const seen: string[] = [];
    for (let cursor: string | null = ''; cursor !== null; ) {
      const { body } = await list(`path=users/find&limit=7${cursor ? `&cursor=${cursor}` : ''}`);
      seen.push(...body.items.map(({ id }: { id: string }) => id));
      cursor = body.next;
    }
    expect(seen).toEqual(ids.filter((_, i) => i % 5 !== 0).reverse());
    expect((await list('reason=failed')).body.items).toEqual([]);
    expect((await list(`until=${new Date(0).toISOString()}`)).body.items).toEqual([]);
    expect((await list(`since=${new Date(Date.now() + 60_000).toISOString()}`)).body.items).toEqual([]);
    expect((await list('reason=handler-error&limit=1000')).body.items).toHaveLength(25);
    for (const bad of ['path=a.b', 'path=*', 'path=%3E', 'path=a//b', 'since=x', 'cursor=x', 'limit=0'])
      expect((await list(bad)).status).toBe(400);
  }, 30_000);

  it('are replayed by filter, 2,000 of them, in their order; what dies meanwhile is left alone', async () => {
    const running = await world();
    await publishLive(running, '');
    const writes: Promise<string>[] = [];
    for (let i = 0; i < 2_000; i++) writes.push(bury(`${i}`));
    const other = bury('other', {}, 'users/list' as ControlPath);
    await Promise.all([...writes, other]);
    expect((await post(running, '/replay', { path, dryRun: true })).body).toMatchObject({
      matched: 2_000,
      done: 0,
    });
    expect((await post(running, '/replay')).status).toBe(400);
    let [done, cursor] = [0, undefined as string | undefined];
    do {
      const { body } = await post(running, '/replay', { path, limit: 700, ...(cursor && { cursor }) });
      if (cursor === undefined) await bury('late');
      done += body.done;
      cursor = body.next ?? undefined;
    } while (cursor !== undefined);
    expect(done).toBe(2_000);
    expect((await dead.state()).messages).toBe(2);
    expect((await work.state()).messages).toBe(2_000);
    const entries = (await get(running, '/v1/audit?action=dead-replay')).body.items;
    expect(entries.map(({ detail }: { detail: { count: number } }) => detail.count)).toEqual([600, 700, 700]);
    expect((await post(running, '/drop', { all: true })).body).toMatchObject({ done: 2 });
  }, 60_000);

  it('wait in the stream and not in the database: they are listed and shown while Postgres is away', async () => {
    const own = await startPostgres();
    later(() => own.stop());
    const shared = postgres;
    postgres = own;
    const running = await world().finally(() => {
      postgres = shared;
    });
    const id = await bury('x');
    await own.stop();
    expect((await get(running, '/v1/dead')).body.items).toHaveLength(1);
    expect((await get(running, `/v1/dead/${id}`)).body).toMatchObject({ id, runs: null });
    // Nothing is done that is not on record.
    expect((await post(running, `/${id}/replay`)).status).toBe(503);
    expect((await remove(running, `/${id}`)).status).toBe(503);
    expect((await dead.state()).messages).toBe(1);
  }, 60_000);
});

describe('the last version', () => {
  it('is retired, and what waits for it becomes dead letters that can be replayed when it is back', async () => {
    const running = await world();
    await publishLive(running, '', { triggers: [{ cron: '0 0 1 1 *' }] });
    await until(async () => (await get(running, '/v1/work')).body.schedules === 1);
    const ids = [await accept('1'), await accept('2')];
    const route = `${running.url}/v1/handlers/${encodeURIComponent(path)}/route`;
    expect((await request(route, { method: 'DELETE' })).body).toMatchObject({ live: [] });
    await until(async () => (await dead.state()).messages === 2);
    const { items } = (await get(running, '/v1/dead')).body;
    expect(items.map(({ id, reason }: Record<string, string>) => `${id} ${reason}`)).toEqual(
      ids.map((id) => `${id} no-route`).reverse(),
    );
    await until(async () => (await get(running, '/v1/work')).body.schedules === 0);
    await request(`${running.url}/v1/handlers/${encodeURIComponent(path)}/rollback`, { method: 'POST' });
    expect((await post(running, '/replay', { all: true })).body).toMatchObject({ done: 2, refused: [] });
    expect((await get(running, '/metrics')).body).toMatch(/mesh_dead_letters\{[^}]*\} 0/);
    // The two, and the schedule, which is back a moment after its route.
    await until(async () => /mesh_work_messages\{[^}]*\} 3/.test((await get(running, '/metrics')).body));
  }, 60_000);
});
