import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { afterAll, afterEach, beforeAll, expect, it } from '@jest/globals';
import pg from 'pg';
import type { ControlPath } from '#contracts';
import { type Connection, connect, openRouteStore, type RouteStore } from '#fabric';
import { type NatsServer, type PostgresServer, startNats, startPostgres } from '#servers';
import { between, randomFrom } from './fixtures/random.js';
import { ServiceProcess } from './fixtures/service-process.js';
import { until } from './fixtures/until.js';
import {
  artifactOf,
  closeAll,
  digestOf,
  get,
  later,
  publish,
  TOKEN,
  temporaryFolder,
} from './registry.fixture.js';

/*
 * Two registries on one database, killed at any moment of a publication. Afterwards a version is there whole, or not
 * at all, and KV says what Postgres says. MESH_CRASH_ROUNDS asks for more rounds than the default.
 */

const ROUNDS = Number(process.env.MESH_CRASH_ROUNDS ?? 12);
const ROUND_MS = 12_000;
/** Where chance let one kind be missing, it has so many more. */
const MOST_ROUNDS = 5 * ROUNDS;
const PATHS = ['users/find', 'users/list'] as const;

let postgres: PostgresServer;
let nats: NatsServer;
let client: pg.Client;
let store: RouteStore;
let environment: Record<string, string>;
let artifacts: string;

beforeAll(async () => {
  [postgres, nats] = await Promise.all([startPostgres(), startNats()]);
  const database = await postgres.createDatabase('mesh');
  const { user, password } = nats.users.registry;
  artifacts = temporaryFolder();
  environment = {
    MESH_DATABASE_URL: database,
    MESH_NATS_URL: nats.url,
    MESH_NATS_USER: user,
    MESH_NATS_PASSWORD: password,
    MESH_REGISTRY_PORT: '0',
    MESH_ARTIFACTS_URL: pathToFileURL(artifacts).href,
    MESH_ADMIN_TOKEN: TOKEN,
  };
  client = new pg.Client({ connectionString: database });
  await client.connect();
  store = await openRouteStore(await connection(user, password));
});
afterEach(() => ServiceProcess.endAll());
afterAll(async () => {
  await client.end();
  await closeAll();
  await Promise.all([postgres.stop(), nats.stop()]);
});

async function connection(natsUser: string, natsPassword: string): Promise<Connection> {
  const options = { name: 'test', natsUrl: nats.url, natsUser, natsPassword, natsCredentials: undefined };
  const made = await connect(options);
  later(() => made.close());
  return made;
}

interface Registry {
  readonly process: ServiceProcess;
  readonly url: string;
}

async function start(): Promise<Registry> {
  const process = new ServiceProcess('registry', environment);
  await process.printed('listens on ');
  const url = await until(async () => /listens on (http:\/\/[0-9.:]+\d)/.exec(process.output)?.[1]);
  await until(async () => (await fetch(`${url}/health/ready`)).status === 200);
  return { process, url };
}

/** A version on its way. */
interface Attempt {
  readonly registry: Registry;
  readonly path: ControlPath;
  readonly version: string;
  readonly artifact: Buffer;
  /** HTTP status; `undefined`: there was no answer. */
  readonly status: Promise<number | undefined>;
}

async function attempt(registry: Registry, path: string, version: string): Promise<Attempt> {
  const artifact = await artifactOf({ path, version }, `export default () => '${path} ${version}';`);
  const status = publish(registry, path, artifact).then(
    (answer) => answer.status,
    () => undefined,
  );
  return { registry, path: path as ControlPath, version, artifact, status };
}

/** There whole and as it was answered, or not at all. */
async function check(registry: Registry, { path, version, artifact, status }: Attempt): Promise<boolean> {
  const found = await get(registry, `/v1/handlers/${encodeURIComponent(path)}/versions/${version}`);
  const audited = await client.query(
    `SELECT detail FROM audit_entries WHERE action = 'publish' AND path = $1 AND version = $2`,
    [path, version],
  );
  const history = await client.query('SELECT FROM route_history WHERE path = $1 AND live @> $2::jsonb', [
    path,
    JSON.stringify([{ version }]),
  ]);
  const isThere = found.status === 200;
  expect([version, audited.rowCount, history.rowCount]).toEqual([version, isThere ? 1 : 0, isThere ? 1 : 0]);
  if ((await status) === 201) expect([version, found.status]).toEqual([version, 200]);
  if (!isThere) return false;
  const hex = digestOf(artifact);
  expect(found.body.digest).toBe(`sha256:${hex}`);
  expect(await readFile(join(artifacts, 'sha256', `${hex}.tgz`))).toEqual(artifact);
  return true;
}

/** What each handler's live versions are, once as the catalogue has it and once as KV has it. */
async function inCatalogue(registry: Registry): Promise<unknown[]> {
  const { items } = (await get(registry, '/v1/handlers')).body;
  return items.map(({ path, revision, live }: { path: string; revision: number; live: object[] }) => [
    path,
    revision,
    live,
  ]);
}
async function inKv(): Promise<unknown[]> {
  const routes = [...(await store.list()).values()].sort((a, b) => (a.path < b.path ? -1 : 1));
  return routes.map(({ path, revision, versions }) => [
    path,
    revision,
    versions.map(({ version, weight, digest }) => ({ version, weight, digest })),
  ]);
}

/** Resolves when nothing is on its way any more, and KV says what the catalogue says. */
async function agreed(registry: Registry): Promise<void> {
  const underWay = `SELECT FROM pg_stat_activity
    WHERE application_name = 'mesh-registry' AND state <> 'idle'`;
  await until(async () => (await client.query(underWay)).rowCount === 0);
  await until(async () => (await client.query('SELECT FROM route_outbox')).rowCount === 0);
  expect(await inKv()).toEqual(await inCatalogue(registry));
}

/** Each registry gets a version of each path, all at once. */
const attemptAll = (registries: readonly Registry[], release: string): Promise<Attempt[]> =>
  Promise.all(
    registries.flatMap((registry, i) =>
      PATHS.map((path, j) => attempt(registry, path, `${release}.${2 * i + j}`)),
    ),
  );

/** How long it takes on this machine until all are answered, ms. */
async function timeOfAll(registries: readonly Registry[], release: string): Promise<number> {
  const began = performance.now();
  const attempts = await attemptAll(registries, release);
  const answers = await Promise.all(attempts.map(({ status }) => status));
  expect(answers).toEqual(attempts.map(() => 201));
  return performance.now() - began;
}

const restart = (registries: readonly Registry[]): Promise<Registry[]> =>
  Promise.all(registries.map(async (one) => (one.process.ended ? start() : one)));

it(
  'a publication that is killed is whole or was not, and KV ends where Postgres is',
  async () => {
    const random = randomFrom(20_261_121);
    let registries: readonly Registry[] = await Promise.all([start(), start()]);
    // The first ones take several times as long as those after them.
    await timeOfAll(registries, '0.1');
    // A kill is as likely at any moment of a publication, and a little after.
    const killWithinMs = Math.ceil(1.5 * (await timeOfAll(registries, '0.2')));
    const all = { whole: 2 * registries.length * PATHS.length, absent: 0 };
    // Of those that were sent to a registry which was killed: one that lives says nothing.
    const ofDoomed = { whole: 0, absent: 0 };
    const isOneKindMissing = () => Math.min(ofDoomed.whole, ofDoomed.absent) === 0;
    let round = 1;
    for (; round <= ROUNDS || (isOneKindMissing() && round <= MOST_ROUNDS); round++) {
      const attempts = await attemptAll(registries, `1.${round}`);
      // One of them, or both.
      const victims = round % 4 === 0 ? [0, 1] : [round % 2];
      await delay(between(random, 0, killWithinMs));
      const doomed = registries.filter((_, i) => victims.includes(i));
      await Promise.all(doomed.map(({ process }) => process.end('SIGKILL')));
      await Promise.all(attempts.map(({ status }) => status));
      // The one that lives finishes what the dead one began; where none lives, the next ones do.
      if (victims.length === registries.length) registries = await restart(registries);
      const alive = registries.find(({ process }) => !process.ended) as Registry;
      await agreed(alive);
      for (const each of attempts) {
        const became = (await check(alive, each)) ? 'whole' : 'absent';
        all[became]++;
        if (doomed.includes(each.registry)) ofDoomed[became]++;
      }
      registries = await restart(registries);
    }
    const said = { killWithinMs, all, ofDoomed };
    process.stdout.write(`${round - 1} rounds: ${JSON.stringify(said)}\n`);
    // Both kinds were met, or the kills came at no interesting moment.
    expect(Math.min(ofDoomed.whole, ofDoomed.absent)).toBeGreaterThan(0);
    expect((await client.query('SELECT FROM versions')).rowCount).toBe(all.whole);
  },
  ROUNDS * ROUND_MS,
);
