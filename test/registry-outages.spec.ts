import { createServer } from 'node:http';
import { connect as dial } from 'node:net';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from '@jest/globals';
import type { ControlPath } from '#contracts';
import { type Connection, connect, openRouteStore, type RouteStore } from '#fabric';
import { type NatsServer, type PostgresServer, startNats, startPostgres } from '#servers';
import {
  artifactOf,
  closeAll,
  get,
  later,
  publish,
  registry,
  request,
  TOKEN,
  temporaryFolder,
  until,
} from './registry.fixture.js';

/* What the registry does while Postgres or NATS is away, and when one registry is not the only one. */

afterEach(closeAll);

async function postgresServer(options?: Parameters<typeof startPostgres>[0]): Promise<PostgresServer> {
  const server = await startPostgres(options);
  later(() => server.stop());
  return server;
}

async function natsServer(options: Parameters<typeof startNats>[0] = {}): Promise<NatsServer> {
  const server = await startNats({ open: true, ...options });
  later(() => server.stop());
  return server;
}

async function routeStore(natsUrl: string): Promise<RouteStore> {
  const options = {
    name: 'test',
    natsUrl,
    natsUser: undefined,
    natsPassword: undefined,
    natsCredentials: undefined,
  };
  const connection: Connection = await connect(options);
  later(() => connection.close());
  return openRouteStore(connection);
}

const find = { path: 'users/find', version: '0.0.1' };
const FIND = 'users/find' as ControlPath;
const readiness = (base: { url: string }) => get(base, '/health/ready');
const isReady = ({ status }: { status: number }) => status === 200;

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}

describe('Postgres', () => {
  it('gone is 503 and not ready, and back is as before', async () => {
    const dataDir = join(temporaryFolder(), 'postgres');
    const [first, nats] = await Promise.all([postgresServer({ dataDir }), natsServer()]);
    const database = await first.createDatabase('mesh');
    const base = await registry({ database, nats });
    await base.joined;
    await publish(base, 'users/find', await artifactOf(find));
    await until(() => readiness(base), isReady);

    await first.stop();
    const away = { status: 503, type: 'application/problem+json', body: { code: 'catalogue-unavailable' } };
    expect(await get(base, '/v1/handlers')).toMatchObject(away);
    expect((await get(base, '/v1/handlers')).headers.get('retry-after')).toBe('2');
    expect(await publish(base, 'users/get', await artifactOf({ ...find, path: 'users/get' }))).toMatchObject(
      away,
    );
    const notReady = await readiness(base);
    expect(notReady).toMatchObject({ status: 503, body: { checks: { database: false, nats: true } } });
    expect((await get(base, '/health')).status).toBe(200);

    await postgresServer({ dataDir, port: first.port });
    await until(() => readiness(base), isReady);
    expect((await get(base, '/v1/handlers')).body.items).toMatchObject([{ path: 'users/find' }]);
  });

  it('that starts after the registry is waited for', async () => {
    const dataDir = join(temporaryFolder(), 'postgres');
    const [before, nats] = await Promise.all([postgresServer({ dataDir }), natsServer()]);
    const database = await before.createDatabase('mesh');
    await before.stop();
    const starting = registry({ database, nats });
    await postgresServer({ dataDir, port: before.port });
    const base = await starting;
    expect((await get(base, '/v1/handlers')).status).toBe(200);
  });

  it('that refuses the password ends the start at once, without showing the password', async () => {
    const [postgres, nats] = await Promise.all([postgresServer(), natsServer()]);
    const database = postgres.url.replace(/:[^:@]+@/, ':wrong-secret@');
    const failure = await registry({ database, nats }).catch((error: Error) => error);
    expect(String(failure)).toMatch(/No catalogue at 127\.0\.0\.1:\d+\/postgres after 0 s: .*Remedy/);
    expect(String(failure)).not.toContain('wrong-secret');
  });

  it('that is empty is migrated once by registries that start together', async () => {
    const [postgres, nats] = await Promise.all([postgresServer(), natsServer()]);
    const database = await postgres.createDatabase('mesh');
    const all = await Promise.all(Array.from({ length: 4 }, () => registry({ database, nats })));
    await Promise.all(all.map((one) => one.joined));
    const [first, second] = all as [(typeof all)[0], (typeof all)[0]];
    expect((await publish(first, 'users/find', await artifactOf(find))).status).toBe(201);
    expect((await get(second, '/v1/handlers')).body.items).toHaveLength(1);
  });
});

describe('NATS', () => {
  it('absent at start is waited for: the catalogue can be read, nothing is published, readiness says why', async () => {
    const [postgres, port] = await Promise.all([postgresServer(), freePort()]);
    const base = await registry({ database: postgres.url, nats: { url: `nats://127.0.0.1:${port}` } });
    expect((await get(base, '/v1/handlers')).status).toBe(200);
    expect(await readiness(base)).toMatchObject({
      status: 503,
      body: { checks: { database: true, nats: false, rpc: false } },
    });
    const refused = await publish(base, 'users/find', await artifactOf(find));
    expect(refused).toMatchObject({ status: 503, body: { code: 'not-connected' } });
    expect((await get(base, '/v1/audit')).body.items).toEqual([]);

    await natsServer({ port });
    await base.joined;
    await until(() => readiness(base), isReady);
    expect((await publish(base, 'users/find', await artifactOf(find))).status).toBe(201);
  });

  it('that comes back without its disk gets every route again', async () => {
    const postgres = await postgresServer();
    const first = await natsServer();
    const base = await registry({ database: postgres.url, nats: first });
    await base.joined;
    await publish(base, 'users/find', await artifactOf(find));
    await first.stop();
    await until(
      () => readiness(base),
      ({ body }) => body.checks.nats === false,
    );
    const second = await natsServer({ port: first.port });
    const store = await routeStore(second.url);
    const routes = await until(
      () => store.list(),
      (found) => found.size > 0,
    );
    expect(routes.get(FIND)).toMatchObject({ revision: 1, versions: [{ version: '0.0.1' }] });
  });

  it('is made equal to the catalogue at start: after a crash between commit and write, or a change by hand', async () => {
    const [postgres, nats] = await Promise.all([postgresServer(), natsServer()]);
    const first = await registry({ database: postgres.url, nats });
    await first.joined;
    const paths = ['a/lost', 'a/old', 'a/kept'];
    for (const path of paths) await publish(first, path, await artifactOf({ path, version: '1.0.0' }));
    await first.stop();

    const store = await routeStore(nats.url);
    const before = await store.list();
    const old = before.get('a/old' as ControlPath);
    if (!old) throw new Error('the route was not written');
    await store.remove('a/lost' as ControlPath);
    await store.put({ ...old, versions: old.versions.map((v) => ({ ...v, version: '0.9.0' })) });
    await store.put({ ...old, path: 'not/published' as ControlPath });

    const second = await registry({ database: postgres.url, nats });
    await second.joined;
    expect(await store.list()).toEqual(before);
  });
});

describe('stopping', () => {
  it('before NATS was joined leaves no connection behind', async () => {
    const [postgres, nats] = await Promise.all([postgresServer(), natsServer({ httpPort: 0 })]);
    const connections = async () =>
      (await request(`http://127.0.0.1:${nats.httpPort}/connz`)).body.num_connections;
    for (let i = 0; i < 5; i++) {
      const base = await registry({ database: postgres.url, nats });
      // At a different moment of the joining each time.
      for (let asked = 0; asked < i; asked++) await readiness(base);
      await base.stop();
      await base.joined.catch(() => undefined);
      await until(connections, (n) => n === 0);
    }
  });

  it('answers what it has accepted: a body that is still arriving', async () => {
    const [postgres, nats] = await Promise.all([postgresServer(), natsServer()]);
    const base = await registry({ database: postgres.url, nats });
    await base.joined;
    const artifact = await artifactOf(find);
    const { hostname, port } = new URL(base.url);
    const socket = dial(Number(port), hostname);
    const answer = new Promise<string>((resolve) => {
      let text = '';
      socket.on('data', (chunk) => {
        text += chunk;
      });
      socket.on('close', () => resolve(text));
    });
    const head = [
      'POST /v1/handlers/users%2Ffind/versions HTTP/1.1',
      `host: ${hostname}`,
      `authorization: Bearer ${TOKEN}`,
      'content-type: application/gzip',
      `content-length: ${artifact.length}`,
    ];
    socket.write(`${head.join('\r\n')}\r\n\r\n`);
    socket.write(artifact.subarray(0, 100));
    // Its body is being read once a later request has been answered.
    await get(base, '/health');
    const stopped = base.stop();
    await until(
      () => request(`${base.url}/health`).catch(() => undefined),
      (found) => found === undefined,
    );
    socket.write(artifact.subarray(100));
    expect(await answer).toMatch(/^HTTP\/1\.1 201 /);
    await stopped;
    expect((await (await routeStore(nats.url)).list()).has(FIND)).toBe(true);
  });
});
