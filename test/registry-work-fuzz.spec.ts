import { afterAll, beforeAll, expect, it } from '@jest/globals';
import {
  type ControlPath,
  DEAD_STREAM,
  decodeHeaders,
  encodeWork,
  mintMeshId,
  ownConsumer,
  poolConsumer,
  WORK_STREAM,
} from '#contracts';
import {
  type Connection,
  connect,
  createWorkPublisher,
  openStreamStock,
  openWorkPuller,
  type WorkItem,
} from '#fabric';
import { type NatsServer, type PostgresServer, startNats, startPostgres } from '#servers';
import { between, pickFrom, randomFrom } from './fixtures/random.js';
import { until } from './fixtures/until.js';
import { artifactOf, closeAll, later, publish, registry, request } from './registry.fixture.js';

/*
 * Two registries change who takes what, again and again, while work comes and is done. Each event is in the end done
 * once, or a dead letter once: nothing is lost, nothing is stuck, and since nobody is killed there is no duplicate.
 */

const SEED = Number(process.env.MESH_SEED ?? Date.now() % 1e6);
const CHANGES = Number(process.env.MESH_FUZZ_CHANGES ?? 30);
const PATHS = ['users/find', 'users/list', 'users/sync', 'orders/total', 'jobs'] as ControlPath[];

let postgres: PostgresServer;
let nats: NatsServer;
beforeAll(async () => {
  [postgres, nats] = await Promise.all([startPostgres(), startNats()]);
}, 60_000);
afterAll(async () => {
  await closeAll();
  await Promise.all([postgres.stop(), nats.stop()]);
});

async function as(user: keyof NatsServer['users']): Promise<Connection> {
  const { user: natsUser, password: natsPassword } = nats.users[user];
  const login = { natsUser, natsPassword, natsCredentials: undefined };
  const made = await connect({ name: 'test', natsUrl: nats.url, ...login });
  later(() => made.close());
  return made;
}

/** Takes from every consumer that there may be, and is done with each event after a moment. */
async function worker(random: () => number, onDone: (id: string) => void): Promise<void> {
  const connection = await as('executor');
  const onItem = (puller: () => { pull(count: number): void }) => (item: WorkItem) => {
    const id = decodeHeaders(item.headers as Uint8Array)['mesh-id'] as string;
    setTimeout(
      () => {
        onDone(id);
        void item.done().then(() => puller().pull(1));
      },
      between(random, 0, 60),
    );
  };
  for (const consumer of [poolConsumer('default'), ...PATHS.map(ownConsumer)]) {
    const options = { stream: WORK_STREAM, consumer, batch: 1, onItem: onItem(() => puller) };
    const puller: ReturnType<typeof openWorkPuller> = openWorkPuller(connection, options);
    later(() => puller.stop());
    puller.pull(8);
  }
}

it(`loses, doubles and strands nothing while who takes what changes (seed ${SEED})`, async () => {
  const random = randomFrom(SEED);
  const database = await postgres.createDatabase('mesh');
  const registries = [await registry({ database, nats }), await registry({ database, nats })];
  await Promise.all(registries.map(({ joined }) => joined));
  const done = new Map<string, number>();
  await worker(random, (id) => void done.set(id, (done.get(id) ?? 0) + 1));
  const versions = new Map<string, number>();
  const change = async (path: ControlPath, how: 'ordered' | 'plain' | 'gone') => {
    const at = pickFrom(random, registries);
    if (how === 'gone') {
      const url = `${at.url}/v1/handlers/${encodeURIComponent(path)}/route`;
      expect((await request(url, { method: 'DELETE' })).status).toBe(200);
      return;
    }
    const minor = (versions.get(path) ?? 0) + 1;
    versions.set(path, minor);
    const manifest = { path, version: `1.${minor}.0`, work: { ordered: how === 'ordered' } };
    expect((await publish(at, path, await artifactOf(manifest))).status).toBe(201);
  };
  for (const path of PATHS) await change(path, 'plain');

  const sent: string[] = [];
  const publisher = createWorkPublisher(await as('ingress'));
  let isFeeding = true;
  const feeding = (async () => {
    while (isFeeding) {
      const path = pickFrom(random, PATHS);
      const id = mintMeshId();
      sent.push(id);
      const envelope = { id, meta: { source: 'http' as const }, acceptedAt: Date.now() };
      await publisher.publish(path, encodeWork(path, envelope), Buffer.from('x'));
      await new Promise((resolve) => setTimeout(resolve, between(random, 0, 8)));
    }
  })();
  for (let i = 0; i < CHANGES; i++)
    await change(pickFrom(random, PATHS), pickFrom(random, ['ordered', 'ordered', 'plain', 'plain', 'gone']));
  isFeeding = false;
  await feeding;

  const reader = await as('registry');
  const [work, dead] = [openStreamStock(reader, WORK_STREAM), openStreamStock(reader, DEAD_STREAM)];
  await until(async () => (await work.state()).messages === 0, 90_000);
  const buried = new Map<string, number>();
  for await (const { headers } of dead.heads('mesh.dead.>', 1, (await dead.state()).last)) {
    expect(headers['mesh-dead-reason']).toBe('no-route');
    const id = headers['mesh-id'] as string;
    buried.set(id, (buried.get(id) ?? 0) + 1);
  }
  const lost = sent.filter((id) => !done.has(id) && !buried.has(id));
  const twice = sent.filter((id) => (done.get(id) ?? 0) > 1 || (buried.get(id) ?? 0) > 1);
  // Once done and once buried may be: an executor looks at the route before it runs anything, what takes work here does not.
  expect({ lost, twice }).toEqual({ lost: [], twice: [] });
}, 180_000);
