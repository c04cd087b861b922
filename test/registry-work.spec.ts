import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { jetstreamManager } from '@nats-io/jetstream';
import { type NatsConnection, headers as natsHeaders } from '@nats-io/transport-node';
import {
  type ControlPath,
  decodeHeaders,
  encodeHeaders,
  encodeWork,
  mintMeshId,
  WORK_STREAM,
  workSubject,
} from '#contracts';
import {
  type Connection,
  connect,
  createStreamWriter,
  createWorkPublisher,
  openStreamStock,
  openWorkConsumers,
  openWorkPuller,
  type WorkItem,
} from '#fabric';
import { type NatsServer, type PostgresServer, startNats, startPostgres } from '#servers';
import { until } from './fixtures/until.js';
import { artifactOf, closeAll, later, publish, registry, request } from './registry.fixture.js';

/*
 * Streams and consumers of work, as the registry keeps them: nobody runs here but the registry, and what a consumer
 * delivers is taken by hand.
 */

let postgres: PostgresServer;
let nats: NatsServer;
let databases = 0;
beforeAll(async () => {
  postgres = await startPostgres();
});
afterEach(closeAll);
afterAll(() => postgres.stop());

async function world(environment: Record<string, string> = {}, options = {}) {
  nats = await startNats(options);
  later(() => nats.stop());
  const database = await postgres.createDatabase(`work${++databases}`);
  return { database, nats, environment };
}

async function as(user: keyof NatsServer['users']): Promise<Connection> {
  const { user: natsUser, password: natsPassword } = nats.users[user];
  const made = await connect({
    name: 'test',
    natsUrl: nats.url,
    natsUser,
    natsPassword,
    natsCredentials: undefined,
  });
  later(() => made.close());
  return made;
}

const manager = async (connection: Connection) =>
  jetstreamManager((connection as unknown as { nc: NatsConnection }).nc);

const work = async (connection: Connection) => {
  const publisher = createWorkPublisher(connection);
  return (path: string, body: string) => {
    const envelope = { id: mintMeshId(), meta: { source: 'http' as const }, acceptedAt: Date.now() };
    return publisher.publish(
      path as ControlPath,
      encodeWork(path as ControlPath, envelope),
      Buffer.from(body),
    );
  };
};

const live = (path: string, more: object = {}) => artifactOf({ path, version: '1.0.0', ...more });

async function consumersOf(connection: Connection): Promise<Record<string, readonly string[]>> {
  const list = await (await openWorkConsumers(connection)).list();
  return Object.fromEntries(list.map(({ name, filters }) => [name, [...filters].sort()]));
}

/** Takes what a consumer delivers, and holds it. */
function hold(connection: Connection, consumer: string) {
  const items: WorkItem[] = [];
  const onItem = (item: WorkItem) => void items.push(item);
  const puller = openWorkPuller(connection, { stream: WORK_STREAM, consumer, batch: 1, onItem });
  later(() => puller.stop());
  puller.pull(100);
  return items;
}
const bodies = (items: readonly WorkItem[]) => items.map(({ body }) => Buffer.from(body).toString());

describe('streams', () => {
  it('are there with one consumer when the registry has joined, and again after the server lost its disk', async () => {
    const running = await registry(await world());
    await running.joined;
    const connection = await as('registry');
    expect(await consumersOf(connection)).toEqual({ 'pool-default': ['mesh.work.>'] });
    const streams = await manager(connection);
    await streams.streams.delete('WORK');
    await streams.streams.delete('DEAD');
    await until(async () => (await consumersOf(connection))['pool-default'], 20_000);
    await streams.streams.info('DEAD');
  }, 40_000);

  it('of an older configuration are changed in place, with what is in them', async () => {
    const here = await world();
    const before = await as('registry');
    const { streams } = await manager(before);
    await streams.add({ name: 'WORK', subjects: ['mesh.work.>'], retention: 'workqueue' });
    await (await work(before))('users/find', 'kept');
    const running = await registry({ ...here, environment: { MESH_WORK_MAX_BYTES: '9000000' } });
    await running.joined;
    const { config, state } = await streams.info('WORK');
    expect(config).toMatchObject({ max_bytes: 9_000_000, allow_msg_schedules: true, discard: 'new' });
    expect(config.subjects).toContain('mesh.schedule.>');
    expect(state.messages + (await streams.info('DEAD')).state.messages).toBe(1);
  }, 30_000);
});

describe('consumers', () => {
  it('follow the routes: an ordered path has its own, as long as it is ordered', async () => {
    const running = await registry(await world());
    await running.joined;
    const connection = await as('registry');
    for (const path of ['users/find', 'orders/total']) await publish(running, path, await live(path));
    await publish(running, 'users/sync', await live('users/sync', { work: { ordered: true } }));
    await until(async () => 'own=users=sync' in (await consumersOf(connection)));
    expect(await consumersOf(connection)).toEqual({
      'pool-default': ['mesh.work.orders.>', 'mesh.work.users.find'],
      'own=users=sync': ['mesh.work.users.sync'],
    });
    await publish(running, 'users/sync', await live('users/sync', { version: '1.1.0' }));
    await until(async () => !('own=users=sync' in (await consumersOf(connection))));
    expect(await consumersOf(connection)).toEqual({ 'pool-default': ['mesh.work.>'] });
  }, 30_000);

  it('are planned anew while work waits and is in hand: each event is delivered, and none is taken away', async () => {
    const running = await registry(await world());
    await running.joined;
    const connection = await as('registry');
    const executor = await as('executor');
    for (const path of ['users/find', 'users/sync']) await publish(running, path, await live(path));
    const send = await work(connection);
    for (const i of [1, 2]) for (const path of ['users/find', 'users/sync']) await send(path, `${path} ${i}`);
    const shared = hold(executor, 'pool-default');
    await until(async () => shared.length === 4);
    await publish(
      running,
      'users/sync',
      await live('users/sync', { version: '1.1.0', work: { ordered: true } }),
    );
    await until(async () => 'own=users=sync' in (await consumersOf(connection)));
    for (const path of ['users/find', 'users/sync']) await send(path, `${path} 3`);
    const own = hold(executor, 'own=users=sync');
    await until(async () => own.length === 1 && shared.length === 5);
    expect(bodies(own)).toEqual(['users/sync 3']);
    await Promise.all([...shared, ...own].map((item) => item.done()));
    const { streams } = await manager(connection);
    await until(async () => (await streams.info('WORK')).state.messages === 0);
  }, 40_000);

  it('that end hand on what waits for them, also what the next one is past', async () => {
    const running = await registry(await world());
    await running.joined;
    const connection = await as('registry');
    const executor = await as('executor');
    await publish(running, 'users/find', await live('users/find'));
    await publish(running, 'users/sync', await live('users/sync', { work: { ordered: true } }));
    await until(async () => 'own=users=sync' in (await consumersOf(connection)));
    const send = await work(connection);
    for (const i of [1, 2, 3]) await send('users/sync', `${i}`);
    await send('users/find', 'later');
    const shared = hold(executor, 'pool-default');
    await until(async () => shared.length === 1);
    await publish(running, 'users/sync', await live('users/sync', { version: '1.1.0' }));
    await until(async () => shared.length === 4, 25_000);
    expect(bodies(shared).sort()).toEqual(['1', '2', '3', 'later']);
  }, 60_000);

  it('that are new do not take what another still has in hand, though its path was gone in between', async () => {
    const running = await registry(await world());
    await running.joined;
    const connection = await as('registry');
    const executor = await as('executor');
    for (const path of ['users/find', 'users/sync']) await publish(running, path, await live(path));
    const send = await work(connection);
    await send('users/sync', 'in hand');
    const shared = hold(executor, 'pool-default');
    await until(async () => shared.length === 1);
    await request(`${running.url}/v1/handlers/users%2Fsync/route`, { method: 'DELETE' });
    await publish(running, 'users/list', await live('users/list', { work: { ordered: true } }));
    await until(
      async () => (await consumersOf(connection))['pool-default']?.join() === 'mesh.work.users.find',
    );
    const again = { version: '1.1.0', work: { ordered: true } };
    await publish(running, 'users/sync', await live('users/sync', again));
    await publish(running, 'users/total', await live('users/total', { work: { ordered: true } }));
    await until(async () => 'own=users=total' in (await consumersOf(connection)));
    const own = hold(executor, 'own=users=sync');
    await send('users/sync', 'later');
    await shared[0]?.done();
    await until(async () => own.length === 1, 20_000);
    expect(bodies(own)).toEqual(['later']);
    await own[0]?.done();
    const { streams } = await manager(connection);
    await until(async () => (await streams.info('WORK')).state.messages === 0);
  }, 40_000);

  it('that gain what they have looked past, and delivered nothing behind, get it all the same', async () => {
    const running = await registry(await world());
    await running.joined;
    const connection = await as('registry');
    await publish(running, 'users/find', await live('users/find'));
    await publish(running, 'users/sync', await live('users/sync', { work: { ordered: true } }));
    const send = await work(connection);
    await until(async () => 'own=users=sync' in (await consumersOf(connection)));
    for (const body of ['first', 'second']) await send('users/sync', body);
    // The server looks for something for it up to the end of the stream, and says nothing of how far it has looked.
    const shared = hold(await as('executor'), 'pool-default');
    await send('users/find', 'seen');
    await until(async () => shared.length === 1);
    await shared[0]?.done();
    await send('users/sync', 'third');
    const later = hold(await as('executor'), 'pool-default');
    await publish(running, 'users/sync', await live('users/sync', { version: '1.1.0' }));
    await until(async () => shared.length + later.length === 4, 30_000);
    expect(bodies([...shared, ...later]).sort()).toEqual(['first', 'second', 'seen', 'third']);
    for (const item of [...shared.slice(1), ...later]) await item.done();
    const { streams } = await manager(connection);
    await until(async () => (await streams.info('WORK')).state.messages === 0);
  }, 60_000);

  it('of pools take what their patterns name, whoever had it before', async () => {
    const here = await world();
    const first = await registry(here);
    await first.joined;
    const connection = await as('registry');
    await publish(first, 'video/cut', await live('video/cut'));
    await publish(first, 'users/find', await live('users/find'));
    const send = await work(connection);
    await send('video/cut', 'before');
    await first.stop();
    const second = await registry({ ...here, environment: { MESH_WORK_POOLS: 'heavy=video/**' } });
    await second.joined;
    expect(await consumersOf(connection)).toEqual({
      'pool-default': ['mesh.work.users.>'],
      'pool-heavy': ['mesh.work.video.>'],
    });
    await send('video/cut', 'after');
    const heavy = hold(await as('executor'), 'pool-heavy');
    await until(async () => heavy.length === 2);
    expect(bodies(heavy)).toEqual(['before', 'after']);
  }, 40_000);
});

describe('work for nobody', () => {
  it('of an unknown path, or of no path at all, becomes a dead letter', async () => {
    const running = await registry(await world({}, { open: true }));
    await running.joined;
    const connection = await as('registry');
    const { nc } = connection as unknown as { nc: NatsConnection };
    const headers = natsHeaders();
    headers.set('x-mine', 'kept');
    nc.publish('mesh.work.No.Path', 'body', { headers });
    nc.publish(workSubject('nobody/here' as ControlPath), 'plain');
    const { streams } = await manager(connection);
    const count = async (stream: string) => (await streams.info(stream)).state.messages;
    await until(async () => (await count('DEAD')) === 2 && (await count('WORK')) === 0, 25_000);
    const dead = await streams.getMessage('DEAD', { last_by_subj: 'mesh.dead.No.Path' });
    expect(dead?.string()).toBe('body');
    expect(dead?.header.get('mesh-dead-reason')).toBe('no-route');
    expect(dead?.header.get('x-mine')).toBe('kept');
  }, 40_000);
});

describe('cron', () => {
  it('is refused when nobody could schedule it', async () => {
    const running = await registry(await world());
    const bad = await publish(running, 'a', await live('a', { triggers: [{ cron: '61 * * * *' }] }));
    expect(bad.body).toMatchObject({ status: 422, detail: expect.stringContaining('minute') });
  }, 30_000);

  it('puts work before the handler each second, by itself, and stops with its trigger', async () => {
    const running = await registry(await world());
    await running.joined;
    const trigger = { cron: '* * * * * *', timezone: 'Europe/Berlin' };
    await publish(running, 'jobs/tick', await live('jobs/tick', { triggers: [trigger] }));
    const items = hold(await as('executor'), 'pool-default');
    await until(async () => items.length > 0);
    await running.stop();
    const before = items.length;
    await until(async () => items.length >= before + 2);
    const [item] = items;
    expect(item?.subject).toBe('mesh.work.jobs.tick');
    expect(JSON.parse(decodeHeaders(item?.headers as Uint8Array)['mesh-meta'] ?? '')).toEqual({
      source: 'cron',
      attributes: trigger,
    });
  }, 40_000);

  it('is what the routes say after a registry died between the two, whatever it left', async () => {
    const here = await world();
    const first = await registry(here);
    await first.joined;
    const triggers = [{ cron: '0 3 * * *' }, { cron: '0 4 * * *', timezone: 'Asia/Tokyo' }];
    await publish(first, 'jobs/nightly', await live('jobs/nightly', { triggers }));
    const stock = openStreamStock(await as('registry'), WORK_STREAM);
    const names = async () => [...(await stock.subjects('mesh.schedule.>')).keys()].sort();
    const right = await until(async () => (await names()).length === 2 && names());
    await first.stop();
    // One that was not written yet, and one that was not removed yet.
    await stock.purge(right[0] as string);
    const stale = { 'Nats-Schedule': '0 0 1 1 1 *', 'Nats-Schedule-Target': 'mesh.work.jobs.gone' };
    const writer = createStreamWriter(await as('registry'));
    await writer.write(
      'mesh.schedule.cron.jobs.gone.0123456789abcdef',
      encodeHeaders(stale),
      new Uint8Array(0),
    );
    const second = await registry(here);
    await second.joined;
    await until(async () => JSON.stringify(await names()) === JSON.stringify(right));
  }, 40_000);
});
