import { pathToFileURL } from 'node:url';
import { afterAll, afterEach, beforeAll, expect, it } from '@jest/globals';
import {
  type ControlPath,
  DEAD_STREAM,
  deadSubject,
  decodeHeaders,
  encodeDeadLetter,
  encodeWork,
  mintMeshId,
  WORK_STREAM,
  workSubject,
} from '#contracts';
import { type Connection, connect, createStreamWriter, openStreamStock, type StreamStock } from '#fabric';
import { type NatsServer, type PostgresServer, startNats, startPostgres } from '#servers';
import { between, randomFrom } from './fixtures/random.js';
import { ServiceProcess } from './fixtures/service-process.js';
import { artifactOf, closeAll, later, publish, request, TOKEN, temporaryFolder } from './registry.fixture.js';

/*
 * Registries that are killed while they replay dead letters, again and again, until all are replayed. Afterwards each
 * event is before the executors exactly once, and no dead letter is left.
 */

const LETTERS = 600;
const SEED = Number(process.env.MESH_SEED ?? Date.now() % 1e6);
/** A registry replays some thousand a second on a machine that has nothing else to do. */
const KILL_WITHIN_MS = 150;
const path = 'users/find' as ControlPath;

let postgres: PostgresServer;
let nats: NatsServer;
let environment: Record<string, string>;
let connection: Connection;
beforeAll(async () => {
  [postgres, nats] = await Promise.all([startPostgres(), startNats()]);
  const { user, password } = nats.users.registry;
  environment = {
    MESH_DATABASE_URL: await postgres.createDatabase('mesh'),
    MESH_NATS_URL: nats.url,
    MESH_NATS_USER: user,
    MESH_NATS_PASSWORD: password,
    MESH_REGISTRY_PORT: '0',
    MESH_ARTIFACTS_URL: pathToFileURL(temporaryFolder()).href,
    MESH_ADMIN_TOKEN: TOKEN,
  };
  const login = { natsUser: user, natsPassword: password, natsCredentials: undefined };
  connection = await connect({ name: 'test', natsUrl: nats.url, ...login });
  later(() => connection.close());
}, 60_000);
afterEach(() => ServiceProcess.endAll());
afterAll(async () => {
  await closeAll();
  await Promise.all([postgres.stop(), nats.stop()]);
});

async function start(): Promise<{ service: ServiceProcess; url: string }> {
  const service = new ServiceProcess('registry', environment);
  await service.printed('The registry listens on ');
  const url = /http:\/\/127\.0\.0\.1:\d+/.exec(service.output)?.[0] as string;
  while ((await request(`${url}/health/ready`)).status !== 200) await new Promise(setImmediate);
  return { service, url };
}

async function bury(): Promise<string> {
  const id = mintMeshId();
  const envelope = { id, meta: { source: 'http' as const }, acceptedAt: Date.now() };
  const facts = { reason: 'handler-error' as const, error: 'It broke.', attempts: 5, at: Date.now() };
  const headers = encodeDeadLetter(decodeHeaders(encodeWork(path, envelope)), { id, replay: 0 }, facts);
  await createStreamWriter(connection).write(deadSubject(path), headers, Buffer.from(id));
  return id;
}

const replayAll = (url: string) =>
  request(`${url}/v1/dead/replay`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ path, limit: 1_000 }),
  });

async function waiting(stock: StreamStock): Promise<string[]> {
  const ids: string[] = [];
  let message = await stock.next(workSubject(path), 1);
  while (message) {
    ids.push(message.headers['mesh-id'] as string);
    message = await stock.next(workSubject(path), message.seq + 1);
  }
  return ids;
}

it(`replays each event once, however often a registry dies meanwhile (seed ${SEED})`, async () => {
  const random = randomFrom(SEED);
  const dead = openStreamStock(connection, DEAD_STREAM);
  const first = await start();
  await publish(first, path, await artifactOf({ path, version: '1.0.0' }));
  await first.service.end('SIGKILL');
  const ids: string[] = [];
  for (let i = 0; i < LETTERS; i++) ids.push(await bury());
  let kills = 0;
  const partly = new Set<number>();
  while ((await dead.state()).messages > 0) {
    const { service, url } = await start();
    const replaying = replayAll(url).catch(() => undefined);
    // Later ones live longer, so that it ends on a slow machine too.
    await new Promise((done) => setTimeout(done, between(random, 1, KILL_WITHIN_MS * (1 + kills / 5))));
    await service.end('SIGKILL');
    await replaying;
    kills++;
    partly.add((await dead.state()).messages);
  }
  expect((await waiting(openStreamStock(connection, WORK_STREAM))).sort()).toEqual(ids.sort());
  expect(kills).toBeGreaterThan(1);
  // At least one died in the middle of it.
  expect([...partly].some((left) => left > 0 && left < LETTERS)).toBe(true);
}, 180_000);
