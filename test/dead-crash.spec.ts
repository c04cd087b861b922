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

/** Resolves once at least `gone` of the dead letters that were there have left, or whoever replays them has ended. */
async function haveLeft(dead: StreamStock, gone: number, ended: Promise<unknown>): Promise<void> {
  const goal = Math.max(0, (await dead.state()).messages - gone);
  let over = false;
  void ended.then(() => (over = true));
  while (!over && (await dead.state()).messages > goal);
}

it(`replays each event once, however often a registry dies meanwhile (seed ${SEED})`, async () => {
  const random = randomFrom(SEED);
  const dead = openStreamStock(connection, DEAD_STREAM);
  const left = async () => (await dead.state()).messages;
  const first = await start();
  await publish(first, path, await artifactOf({ path, version: '1.0.0' }));
  await first.service.end('SIGKILL');
  const ids: string[] = [];
  let midway = 0;
  // One that is done before the kill reaches it shows nothing; then there is more to replay.
  while (midway < 2 || (await left()) > 0) {
    if ((await left()) === 0) for (let i = 0; i < LETTERS; i++) ids.push(await bury());
    const { service, url } = await start();
    const before = await left();
    const replaying = replayAll(url).catch(() => undefined);
    await haveLeft(dead, between(random, 0, LETTERS / 3), replaying);
    await service.end('SIGKILL');
    await replaying;
    const after = await left();
    if (after > 0 && after < before) midway++;
  }
  expect((await waiting(openStreamStock(connection, WORK_STREAM))).sort()).toEqual(ids.sort());
}, 180_000);
