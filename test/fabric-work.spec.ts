import { afterEach, describe, expect, it } from '@jest/globals';
import { jetstreamManager } from '@nats-io/jetstream';
import {
  ATTEMPTS_BUCKET,
  DEAD_STREAM,
  encodeWork,
  MAX_DELAY_MS,
  mintMeshId,
  poolConsumer,
  WORK_STREAM,
  workSubject,
} from '#contracts';
import {
  type Connection,
  createStreamWriter,
  createWorkPublisher,
  ensureStreams,
  openKeep,
  openWorkConsumers,
  openWorkPuller,
  STREAM_DEFAULTS,
  type WorkItem,
} from '#fabric';
import type { NatsServer } from '#servers';
import { ACK_WAIT_MS } from '../libs/fabric/src/nats/work-consumers.js';
import { asPath, meshConnection, natsServer, plainClient } from './fixtures/fabric.js';
import { closeAll, later } from './fixtures/later.js';
import { tcpProxy } from './fixtures/tcp-proxy.js';
import { until } from './fixtures/until.js';

afterEach(closeAll);

const FIND = asPath('users/find');
const POOL = { name: poolConsumer('default'), filters: ['mesh.work.>'], ordered: false };
const bytes = (text: string): Uint8Array => Buffer.from(text);
const eventOf = (id: string) => encodeWork(FIND, { id, acceptedAt: Date.now(), meta: { source: 'http' } });

interface Scene {
  readonly server: NatsServer;
  readonly connection: Connection;
}

async function scene(options: Partial<typeof STREAM_DEFAULTS> = {}): Promise<Scene> {
  const server = await natsServer();
  const connection = await meshConnection(server.port);
  await ensureStreams(connection, { ...STREAM_DEFAULTS, ...options });
  await (await openWorkConsumers(connection)).put(POOL);
  return { server, connection };
}

/** Takes messages into a list. */
function taker(connection: Connection, batch = 1, consumer = POOL.name) {
  const taken: WorkItem[] = [];
  const puller = openWorkPuller(connection, {
    stream: WORK_STREAM,
    consumer,
    batch,
    onItem: (item) => taken.push(item),
  });
  later(() => puller.stop());
  return { taken, puller };
}

describe('streams', () => {
  it('are made once, and changed in place while work waits', async () => {
    const { server, connection } = await scene();
    await createWorkPublisher(connection).publish(FIND, eventOf(mintMeshId()), bytes('1'));
    await ensureStreams(connection, { ...STREAM_DEFAULTS, workMaxBytes: 2 ** 30, resultsTtlMs: 3_600_000 });
    const manager = await jetstreamManager(await plainClient(server));
    const { config, state } = await manager.streams.info(WORK_STREAM);
    expect(config).toMatchObject({ max_bytes: 2 ** 30, retention: 'workqueue', discard: 'new' });
    expect(state.messages).toBe(1);
    expect((await manager.streams.info('KV_mesh_results')).config.max_age).toBe(
      (MAX_DELAY_MS + 3_600_000) * 1e6,
    );
    expect((await manager.streams.info(DEAD_STREAM)).config.discard).toBe('new');
  });
});

describe('accepting work', () => {
  it('happens once under one id', async () => {
    const { connection } = await scene();
    const publisher = createWorkPublisher(connection);
    const event = eventOf(mintMeshId());
    expect(await publisher.publish(FIND, event, bytes('x'))).toEqual({ seq: 1, duplicate: false });
    expect(await publisher.publish(FIND, event, bytes('x'))).toEqual({ seq: 1, duplicate: true });
  });

  it('is refused when the share of a path is full; another path has its own', async () => {
    const { connection } = await scene({ workMaxPerPath: 2 });
    const publisher = createWorkPublisher(connection);
    for (let n = 0; n < 2; n++) await publisher.publish(FIND, eventOf(mintMeshId()), bytes('x'));
    await expect(publisher.publish(FIND, eventOf(mintMeshId()), bytes('x'))).rejects.toMatchObject({
      code: 'queue-full',
    });
    await expect(
      publisher.publish(asPath('other'), eventOf(mintMeshId()), bytes('x')),
    ).resolves.toMatchObject({
      duplicate: false,
    });
  });

  it('is refused when the stream is full', async () => {
    const { connection } = await scene({ workMaxBytes: 200_000 });
    const publisher = createWorkPublisher(connection);
    const fill = async () => {
      for (let n = 0; n < 10; n++) await publisher.publish(FIND, eventOf(mintMeshId()), Buffer.alloc(50_000));
    };
    await expect(fill()).rejects.toMatchObject({ code: 'queue-full' });
  });

  it('of too large a body is refused before it is sent', async () => {
    const { connection } = await scene();
    const body = Buffer.alloc(connection.maxBody + 1);
    await expect(
      createWorkPublisher(connection).publish(FIND, eventOf(mintMeshId()), body),
    ).rejects.toMatchObject({ code: 'payload-too-large' });
  });

  it('of headers and a body that leave no room for a dead letter is refused, too', async () => {
    const { connection } = await scene();
    const publisher = createWorkPublisher(connection);
    const attributes = { note: 'x'.repeat(12 * 1024) };
    const event = encodeWork(FIND, {
      id: mintMeshId(),
      acceptedAt: Date.now(),
      meta: { source: 'mqtt', attributes },
    });
    await expect(publisher.publish(FIND, event, Buffer.alloc(connection.maxBody))).rejects.toMatchObject({
      code: 'payload-too-large',
    });
    await expect(
      publisher.publish(FIND, event, Buffer.alloc(connection.maxBody - 4 * 1024)),
    ).resolves.toMatchObject({ duplicate: false });
  });

  it('without any stream says so', async () => {
    const server = await natsServer();
    const connection = await meshConnection(server.port);
    await expect(
      createStreamWriter(connection).write(workSubject(FIND), eventOf(mintMeshId()), bytes('x')),
    ).rejects.toMatchObject({ code: 'not-found' });
  });

  it('is uncertain, at once, when the connection is cut; sent again it is kept once', async () => {
    const { server } = await scene();
    const proxy = await tcpProxy(server.port);
    const connection = await meshConnection(proxy.port);
    const publisher = createWorkPublisher(connection);
    const event = eventOf(mintMeshId());
    await publisher.publish(FIND, event, bytes('x'));
    const sent = publisher.publish(FIND, eventOf(mintMeshId()), bytes('y'));
    proxy.cut();
    await sent.catch((error: unknown) => expect(error).toMatchObject({ code: 'not-connected' }));
    await until(async () => connection.connected);
    expect((await publisher.publish(FIND, event, bytes('x'))).duplicate).toBe(true);
  });
});

describe('taking work', () => {
  it('gives as many as were asked for, and no more', async () => {
    const { connection } = await scene();
    const publisher = createWorkPublisher(connection);
    for (let n = 0; n < 5; n++) await publisher.publish(FIND, eventOf(mintMeshId()), bytes(String(n)));
    const { taken, puller } = taker(connection);
    puller.pull(3);
    await until(async () => taken.length === 3);
    await connection.flush();
    expect(taken.map(({ body }) => Buffer.from(body).toString())).toEqual(['0', '1', '2']);
    expect(taken[0]).toMatchObject({ subject: 'mesh.work.users.find', deliveries: 1, seq: 1 });
    expect(Math.abs((taken[0]?.storedAt ?? 0) - Date.now())).toBeLessThan(60_000);
    expect(puller).toMatchObject({ outstanding: 0, isOpen: true });
  });

  it('ends with a confirmed end; what is given back comes again', async () => {
    const { server, connection } = await scene();
    const publisher = createWorkPublisher(connection);
    for (const text of ['done', 'later']) await publisher.publish(FIND, eventOf(mintMeshId()), bytes(text));
    const { taken, puller } = taker(connection);
    puller.pull(2);
    await until(async () => taken.length === 2);
    await taken[0]?.done();
    taken[1]?.later(1);
    puller.pull(1);
    await until(async () => taken.length === 3);
    expect(taken[2]).toMatchObject({ deliveries: 2, seq: 2 });
    const manager = await jetstreamManager(await plainClient(server));
    expect((await manager.streams.info(WORK_STREAM)).state.messages).toBe(1);
  });

  it('waits for a consumer that is not there yet', async () => {
    const server = await natsServer();
    const connection = await meshConnection(server.port);
    const { taken, puller } = taker(connection);
    puller.pull(1);
    await ensureStreams(connection, STREAM_DEFAULTS);
    await createWorkPublisher(connection).publish(FIND, eventOf(mintMeshId()), bytes('x'));
    expect(puller.isOpen).toBe(false);
    await (await openWorkConsumers(connection)).put(POOL);
    await until(async () => taken.length === 1);
    expect(puller.isOpen).toBe(true);
  });

  it('goes on after its consumer was removed and made again', async () => {
    const { connection } = await scene();
    const consumers = await openWorkConsumers(connection);
    const { taken, puller } = taker(connection);
    puller.pull(1);
    await connection.flush();
    await consumers.remove(POOL.name);
    await until(async () => !puller.isOpen);
    await createWorkPublisher(connection).publish(FIND, eventOf(mintMeshId()), bytes('x'));
    await consumers.put(POOL);
    await until(async () => taken.length === 1);
  });

  it('goes on after its connection was cut', async () => {
    const { server, connection } = await scene();
    const proxy = await tcpProxy(server.port);
    const cut = await meshConnection(proxy.port);
    const { taken, puller } = taker(cut, 10);
    puller.pull(10);
    await cut.flush();
    proxy.cut();
    const publisher = createWorkPublisher(connection);
    for (let n = 0; n < 10; n++) await publisher.publish(FIND, eventOf(mintMeshId()), bytes(String(n)));
    // What the server put into the cut cable before it noticed comes again when its time for an answer is over.
    await until(async () => taken.length === 10, ACK_WAIT_MS + 15_000);
    expect(puller.outstanding).toBe(0);
  }, 60_000);

  it('asks in batches, and never rests while something is wanted', async () => {
    const { connection } = await scene();
    const publisher = createWorkPublisher(connection);
    const { taken, puller } = taker(connection, 64);
    puller.pull(1);
    for (let n = 0; n < 20; n++) puller.pull(1);
    for (let n = 0; n < 21; n++) await publisher.publish(FIND, eventOf(mintMeshId()), bytes(String(n)));
    await until(async () => taken.length === 21);
  });

  it('stops without keeping anything back', async () => {
    const { connection } = await scene();
    const publisher = createWorkPublisher(connection);
    const first = taker(connection);
    first.puller.pull(100);
    await connection.flush();
    await first.puller.stop();
    for (let n = 0; n < 10; n++) await publisher.publish(FIND, eventOf(mintMeshId()), bytes(String(n)));
    const second = taker(connection);
    second.puller.pull(10);
    await until(async () => second.taken.length === 10);
    expect(first.taken).toEqual([]);
  });
});

describe('what is kept', () => {
  it('is read with its headers, replaced by its revision only, and removed', async () => {
    const { connection } = await scene();
    const keep = openKeep(connection, ATTEMPTS_BUCKET);
    expect(await keep.get('a')).toBeUndefined();
    const first = await keep.replace('a', 0, { 'mesh-state': 'one' }, bytes('1'));
    expect(await keep.replace('a', 0, {}, bytes('2'))).toBeUndefined();
    expect(await keep.get('a')).toMatchObject({ headers: { 'mesh-state': 'one' }, revision: first });
    const second = await keep.replace('a', first as number, { 'mesh-state': 'two' }, bytes('2'));
    expect(Buffer.from((await keep.get('a'))?.value ?? []).toString()).toBe('2');
    await keep.put('a', {}, bytes('3'));
    expect(await keep.replace('a', second as number, {}, bytes('4'))).toBeUndefined();
    await keep.remove('a');
    expect(await keep.get('a')).toBeUndefined();
  });

  it('needs its bucket', async () => {
    const server = await natsServer();
    const keep = openKeep(await meshConnection(server.port), ATTEMPTS_BUCKET);
    await expect(keep.get('a')).rejects.toMatchObject({ code: 'not-found' });
    await expect(keep.put('a', {}, bytes('1'))).rejects.toMatchObject({ code: 'not-found' });
  });
});
