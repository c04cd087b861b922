import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from '@jest/globals';
import { jetstreamManager } from '@nats-io/jetstream';
import { connect as natsConnect } from '@nats-io/transport-node';
import mqtt, { type IClientPublishOptions, type MqttClient } from 'mqtt';
import { type ControlPath, readConfig } from '#contracts';
import type { NatsServer } from '#servers';
import { settings } from '../apps/ingress-mqtt/src/config.js';
import { start } from '../apps/ingress-mqtt/src/ingress-mqtt.js';
import { closeAll, later, until } from './fixtures/later.js';
import {
  freePort,
  loginOf,
  natsServer,
  Responder,
  routeOf,
  routeStore,
  type Trigger,
} from './ingress.fixture.js';

/*
 * Devices as callers, on nats-server's own MQTT listener: the ingress, NATS and the broker are real, handlers are
 * answered for. The broker is often a second server, so that it can be away while NATS is not.
 */

afterEach(closeAll);

interface Ingress {
  readonly readiness: Awaited<ReturnType<typeof start>>['readiness'];
  stop(): Promise<void>;
}

async function ingress(
  nats: NatsServer,
  broker: Pick<NatsServer, 'mqttUrl' | 'users'>,
  environment: Record<string, string> = {},
): Promise<Ingress> {
  const config = readConfig('ingress-mqtt', settings, {
    ...loginOf(nats, 'ingress'),
    MESH_MQTT_URL: broker.mqttUrl,
    MESH_MQTT_USER: 'bridge',
    MESH_MQTT_PASSWORD: broker.users.bridge.password,
    ...environment,
  });
  const running = await start(config, {}, { health: false });
  let stopped: Promise<void> | undefined;
  const stop = () => (stopped ??= running.stop());
  later(stop);
  return { readiness: running.readiness, stop };
}

/** A device that may not log in as anyone. */
async function device({ mqttUrl }: NatsServer): Promise<MqttClient> {
  const client = await mqtt.connectAsync(mqttUrl as string, { reconnectPeriod: 0 });
  later(() => client.endAsync(true));
  return client;
}

/** nats-server cuts a device off that publishes what is no subject. */
async function publishOrBeCut(nats: NatsServer, topic: string): Promise<void> {
  const client = await device(nats);
  const cut = new Promise<void>((resolve) => client.once('close', () => resolve()));
  await Promise.race([client.publishAsync(topic, topic, { qos: 1 }), cut]);
}

interface World {
  readonly nats: NatsServer;
  readonly responder: Responder;
  readonly routes: Awaited<ReturnType<typeof routeStore>>;
  /** Publishes at QoS 1 unless told otherwise. */
  publish(topic: string, body: string | Buffer, options?: IClientPublishOptions): Promise<void>;
}

/** NATS with its MQTT listener, and live routes that nobody serves yet. */
async function world(...paths: string[]): Promise<World> {
  const nats = await natsServer({ mqttPort: 0 });
  const routes = await routeStore(nats);
  for (const path of paths) await routes.put(routeOf(path));
  const client = await device(nats);
  const publish: World['publish'] = async (topic, body, options) => {
    await client.publishAsync(topic, body, { qos: 1, ...options });
  };
  return { nats, routes, responder: await Responder.on(nats), publish };
}

const bodiesOf = (responder: Responder, length: number) =>
  until(
    () => responder.bodies,
    (bodies) => bodies.length >= length,
  );

/** What the broker, an open server, keeps of each subscription of QoS 1: its subject, and what waits for an ack. */
async function kept({ url }: NatsServer): Promise<{ subject: string | undefined; pending: number }[]> {
  const connection = await natsConnect({ servers: url });
  try {
    const consumers = (await jetstreamManager(connection)).consumers.list('$MQTT_msgs');
    const found = [];
    for await (const { config, num_ack_pending } of consumers)
      found.push({ subject: config.filter_subject, pending: num_ack_pending });
    return found;
  } finally {
    await connection.close();
  }
}

const unacknowledged = async (broker: NatsServer): Promise<number> =>
  (await kept(broker)).reduce((sum, { pending }) => sum + pending, 0);

const acknowledged = (broker: NatsServer) =>
  until(
    () => unacknowledged(broker),
    (pending) => pending === 0,
  );

/** What came, once a message sent after all the others has been run: what was to come has come by then. */
async function settled({ publish, responder }: World, topic = 'users/find'): Promise<string[]> {
  await publish(topic, 'last');
  await until(
    () => responder.bodies,
    (bodies) => bodies.includes('last'),
  );
  return responder.bodies.filter((body) => body !== 'last');
}

describe('a message', () => {
  it.each([0, 1, 2] as const)('of QoS %i runs the handler of its topic once', async (qos) => {
    const there = await world('users/find');
    await there.responder.serve('users/find');
    await ingress(there.nats, there.nats);
    await there.publish('users/find', '{"id":"7"}', { qos });
    expect(await settled(there)).toEqual(['{"id":"7"}']);
    expect(there.responder.seen[0]?.event.meta).toEqual({
      source: 'mqtt',
      // What the broker gave it with: 2 becomes 1, as subscribed.
      attributes: { topic: 'users/find', qos: Math.min(qos, 1), retain: false, dup: false },
    });
  });

  it('is acknowledged when its handler has said OK, and not before', async () => {
    const there = await world('users/find');
    const broker = await natsServer({ open: true, mqttPort: 0 });
    const finish = Promise.withResolvers<{ outcome: 'ok' }>();
    await there.responder.serve('users/find', () => finish.promise);
    await ingress(there.nats, broker);
    await publishOrBeCut(broker, 'users/find');
    await bodiesOf(there.responder, 1);
    expect(await unacknowledged(broker)).toBe(1);
    finish.resolve({ outcome: 'ok' });
    await acknowledged(broker);
    expect(there.responder.seen).toHaveLength(1);
  });

  it('that the handler refuses or fails on is acknowledged, and holds up nothing', async () => {
    const there = await world('users/find', 'users/fail');
    const broker = await natsServer({ open: true, mqttPort: 0 });
    await there.responder.serve('users/find', () => ({ outcome: 'failed' }));
    await there.responder.serve('users/fail', () => ({ outcome: 'handler-error' }));
    await ingress(there.nats, broker);
    for (const topic of ['users/find', 'users/fail', 'users/find']) await publishOrBeCut(broker, topic);
    await bodiesOf(there.responder, 3);
    await acknowledged(broker);
    expect(there.responder.seen).toHaveLength(3);
  });

  it('that was kept by the broker says so', async () => {
    const there = await world('users/find');
    await there.responder.serve('users/find');
    await there.publish('users/find', 'kept', { retain: true });
    await ingress(there.nats, there.nats);
    await bodiesOf(there.responder, 1);
    expect(there.responder.seen[0]?.event.meta.attributes).toMatchObject({ retain: true });
  });

  it('that is larger than the mesh carries is acknowledged and dropped', async () => {
    const there = await world('users/find');
    await there.responder.serve('users/find');
    await ingress(there.nats, there.nats);
    await there.publish('users/find', Buffer.alloc(8 * 1024 * 1024 - 8 * 1024));
    expect(await settled(there)).toEqual([]);
  });

  it('runs once when its handler takes longer than the broker waits for an acknowledgement', async () => {
    const there = await world();
    await there.routes.put(routeOf('users/find', [], 20_000));
    const finish = Promise.withResolvers<{ outcome: 'ok' }>();
    await there.responder.serve('users/find', ({ body }) =>
      body === 'slow' ? finish.promise : { outcome: 'ok' },
    );
    await ingress(there.nats, there.nats);
    await there.publish('users/find', 'slow');
    await bodiesOf(there.responder, 1);
    // ack_wait of the mesh's nats-server is 5 s: it sends the message again at least once. Time is the fact here.
    const begun = performance.now();
    await until(
      () => performance.now() - begun,
      (ms) => ms > 6_500,
    );
    finish.resolve({ outcome: 'ok' });
    expect(await settled(there)).toEqual(['slow']);
  });
});

describe('topics', () => {
  const filter = (text: string): Trigger => ({ mqtt: { filter: text } });

  it('of hostile names reach the handler that asked for them, and no subject but its own', async () => {
    const there = await world('users/find');
    await there.routes.put(routeOf('all/log', [filter('#')]));
    await there.routes.put(routeOf('bad/filters', [filter('a/#/b'), filter('a+'), filter('$SYS/#')]));
    for (const path of ['users/find', 'all/log', 'bad/filters']) await there.responder.serve(path);
    const broker = await natsServer({ open: true, mqttPort: 0 });
    const { readiness } = await ingress(there.nats, broker);
    expect(readiness.ready).toBe(true);
    const hostile = [
      'mesh/call/users/find',
      'users/find/',
      '/users/find',
      'Users/Find',
      '>',
      '*',
      'é ü',
      '$SYS/a',
    ];
    for (const topic of hostile) await publishOrBeCut(broker, topic);
    await publishOrBeCut(broker, 'users/find');
    const seen = () => there.responder.seen.map(({ path, body }) => `${path} ${body}`);
    await until(seen, (calls) => calls.filter((call) => call.endsWith(' users/find')).length === 2);
    const expected = ['mesh/call/users/find', 'Users/Find', 'users/find'].map((topic) => `all/log ${topic}`);
    expect(seen()).toEqual(expect.arrayContaining([...expected, 'users/find users/find']));
    expect(seen().filter((call) => !call.startsWith('all/log '))).toEqual(['users/find users/find']);
    expect(new Set(seen()).size).toBe(seen().length);
  });

  it('that several handlers want run each of them once', async () => {
    const there = await world('rooms/a/lamp');
    await there.routes.put(routeOf('rooms/watch', [filter('rooms/+/lamp'), filter('rooms/#')]));
    await there.responder.serve('rooms/a/lamp');
    await there.responder.serve('rooms/watch');
    await ingress(there.nats, there.nats);
    await there.publish('rooms/a/lamp', 'on');
    await there.publish('rooms/b/lamp', 'off');
    await settled(there, 'rooms/c/lamp');
    const seen = there.responder.seen.map(({ path, body }) => `${path} ${body}`).sort();
    expect(seen).toEqual(['rooms/a/lamp on', 'rooms/watch last', 'rooms/watch off', 'rooms/watch on']);
  });

  it('follow the routes while the service runs', async () => {
    const there = await world('users/find');
    await there.responder.serve('users/find');
    await there.responder.serve('users/new');
    const { readiness } = await ingress(there.nats, there.nats);
    await there.publish('users/new', 'too early');
    await there.routes.put(routeOf('users/new'));
    // Until it is subscribed nobody gets what is published.
    await until(
      async () => {
        await there.publish('users/new', 'new');
        return there.responder.bodies;
      },
      (bodies) => bodies.includes('new'),
    );
    expect(there.responder.bodies).not.toContain('too early');
    await there.routes.remove('users/new' as ControlPath);
    await until(
      async () => {
        const { length } = there.responder.seen;
        await there.publish('users/new', 'late');
        await there.publish('users/find', 'tick');
        await bodiesOf(there.responder, length + 1);
        return there.responder.bodies.at(-1);
      },
      (body) => body === 'tick',
    );
    expect(readiness.ready).toBe(true);
  });

  it('of a route that went while the service was away are given up when they come', async () => {
    const there = await world('users/find', 'users/gone');
    const broker = await natsServer({ open: true, mqttPort: 0 });
    for (const path of ['users/find', 'users/gone']) await there.responder.serve(path);
    await (await ingress(there.nats, broker)).stop();
    await publishOrBeCut(broker, 'users/gone');
    await there.routes.remove('users/gone' as ControlPath);
    await ingress(there.nats, broker);
    await until(
      () => kept(broker),
      (subscriptions) => subscriptions.length === 1,
    );
    expect(await kept(broker)).toEqual([{ subject: '$MQTT.msgs.users.find', pending: 0 }]);
    expect(there.responder.seen).toEqual([]);
  });
});

describe('while the mesh cannot take a message', () => {
  it('it is held, and runs once when there is an executor', async () => {
    const there = await world('users/find', 'users/other');
    await there.responder.serve('users/other');
    await ingress(there.nats, there.nats);
    for (const body of ['a', 'b', 'c']) await there.publish('users/find', body);
    // Others are not held up by it.
    await there.publish('users/other', 'other');
    await bodiesOf(there.responder, 1);
    expect(there.responder.bodies).toEqual(['other']);
    await there.responder.serve('users/find');
    expect((await settled(there, 'users/other')).slice(0, 1)).toEqual(['other']);
    expect((await bodiesOf(there.responder, 5)).sort()).toEqual(['a', 'b', 'c', 'last', 'other']);
  });

  it('of QoS 0 it is dropped, as at most once allows', async () => {
    const there = await world('users/find', 'users/other');
    await there.responder.serve('users/other');
    await ingress(there.nats, there.nats);
    await there.publish('users/find', 'lost', { qos: 0 });
    await there.publish('users/find', 'held');
    // When this one has run, those before it have been tried.
    await there.publish('users/other', 'other');
    await bodiesOf(there.responder, 1);
    await there.responder.serve('users/find');
    await bodiesOf(there.responder, 2);
    // What is held is tried again every 2 s at the least. Time is the fact here.
    const begun = performance.now();
    await until(
      () => performance.now() - begun,
      (ms) => ms > 2_200,
    );
    expect(there.responder.bodies).toEqual(['other', 'held']);
  });

  it('a stop leaves it to the broker, and the next start runs it', async () => {
    const there = await world('users/find');
    const first = await ingress(there.nats, there.nats);
    for (const body of ['a', 'b']) await there.publish('users/find', body);
    await first.stop();
    await there.publish('users/find', 'c');
    await there.responder.serve('users/find');
    await ingress(there.nats, there.nats);
    expect((await bodiesOf(there.responder, 3)).sort()).toEqual(['a', 'b', 'c']);
  });

  it('an executor that never answers is asked three times, and no more', async () => {
    const there = await world();
    await there.routes.put(routeOf('users/find', [], 100));
    await there.responder.serve('users/find', ({ body }) =>
      body === 'last' ? { outcome: 'ok' } : new Promise(() => undefined),
    );
    await ingress(there.nats, there.nats);
    await there.publish('users/find', 'deadly');
    await bodiesOf(there.responder, 3);
    expect(new Set(there.responder.seen.map(({ event }) => event.id)).size).toBe(1);
    expect(await settled(there)).toEqual(['deadly', 'deadly', 'deadly']);
  });
});

describe('many messages', () => {
  it('run once each, never more in hand than allowed', async () => {
    const there = await world('users/find');
    let running = 0;
    let most = 0;
    await there.responder.serve('users/find', async () => {
      most = Math.max(most, ++running);
      await new Promise(setImmediate);
      running--;
      return { outcome: 'ok' };
    });
    await ingress(there.nats, there.nats, { MESH_MQTT_WINDOW: '3' });
    const bodies = Array.from({ length: 500 }, (_, index) => `m${index}`);
    await Promise.all(bodies.map((body) => there.publish('users/find', body)));
    expect((await bodiesOf(there.responder, 500)).sort()).toEqual([...bodies].sort());
    expect(await settled(there)).toHaveLength(500);
    expect(most).toBeLessThanOrEqual(3);
  });
});

describe('a stop', () => {
  it('in mid-flight finishes and acknowledges what runs', async () => {
    const there = await world('users/find');
    const broker = await natsServer({ open: true, mqttPort: 0 });
    const finish = Promise.withResolvers<{ outcome: 'ok' }>();
    await there.responder.serve('users/find', () => finish.promise);
    const { stop, readiness } = await ingress(there.nats, broker);
    for (let sent = 0; sent < 5; sent++) await publishOrBeCut(broker, 'users/find');
    await bodiesOf(there.responder, 5);
    const stopped = stop();
    expect(readiness.ready).toBe(false);
    finish.resolve({ outcome: 'ok' });
    await stopped;
    await acknowledged(broker);
  });

  it('leaves what comes meanwhile to the next start', async () => {
    const there = await world('users/find');
    const finish = Promise.withResolvers<{ outcome: 'ok' }>();
    await there.responder.serve('users/find', ({ body }) =>
      body === 'slow' ? finish.promise : { outcome: 'ok' },
    );
    const first = await ingress(there.nats, there.nats);
    await there.publish('users/find', 'slow');
    await bodiesOf(there.responder, 1);
    const stopped = first.stop();
    await there.publish('users/find', 'meanwhile');
    finish.resolve({ outcome: 'ok' });
    await stopped;
    expect(there.responder.bodies).toEqual(['slow']);
    await ingress(there.nats, there.nats);
    // nats-server sends it again when its ack_wait, 5 s, is over.
    expect(await bodiesOf(there.responder, 2)).toEqual(['slow', 'meanwhile']);
  });
});

describe('a broker that cannot be reached', () => {
  it('is a state: not ready, tried again, and subscribed at once it is there', async () => {
    const there = await world('users/find');
    await there.responder.serve('users/find');
    const mqttPort = await freePort();
    const passwords = { bridge: 'b' };
    const { readiness } = await ingress(there.nats, {
      mqttUrl: `mqtt://127.0.0.1:${mqttPort}`,
      users: { ...there.nats.users, bridge: { user: 'bridge', password: 'b' } },
    });
    expect(readiness.report()).toEqual({ nats: true, routes: true, mqtt: false, subscriptions: false });
    const broker = await natsServer({ mqttPort, passwords });
    await until(
      () => readiness.ready,
      (ready) => ready,
    );
    await (await device(broker)).publishAsync('users/find', 'first', { qos: 1 });
    expect(await bodiesOf(there.responder, 1)).toEqual(['first']);
  });

  it('because the login is wrong is a state, too', async () => {
    const there = await world('users/find');
    const wrong = { MESH_MQTT_PASSWORD: 'wrong' };
    const { readiness } = await ingress(there.nats, there.nats, wrong);
    expect(readiness.report()).toMatchObject({ nats: true, mqtt: false });
  });

  it('and comes back as it was, or with nothing kept, gets its subscriptions again', async () => {
    const there = await world('users/find');
    await there.responder.serve('users/find');
    const mqttPort = await freePort();
    const dataDir = mkdtempSync(join(tmpdir(), 'mesh-broker-'));
    later(() => rmSync(dataDir, { recursive: true, force: true }));
    const passwords = { bridge: 'b' };
    let broker = await natsServer({ mqttPort, passwords, dataDir });
    const { readiness } = await ingress(there.nats, broker);
    for (const options of [{ dataDir }, {}]) {
      await broker.stop();
      await until(
        () => readiness.ready,
        (ready) => !ready,
      );
      broker = await natsServer({ mqttPort, passwords, ...options });
      await until(
        () => readiness.ready,
        (ready) => ready,
      );
      const { length } = there.responder.seen;
      await (await device(broker)).publishAsync('users/find', `after ${length}`, { qos: 1 });
      await bodiesOf(there.responder, length + 1);
    }
    expect(there.responder.bodies).toEqual(['after 0', 'after 1']);
  });
});

describe('NATS and broker in one server', () => {
  it('that is killed while a handler runs brings the message again, and all goes on by itself', async () => {
    const [port, mqttPort] = [await freePort(), await freePort()];
    const dataDir = mkdtempSync(join(tmpdir(), 'mesh-broker-'));
    later(() => rmSync(dataDir, { recursive: true, force: true }));
    const passwords = { registry: 'r', executor: 'e', ingress: 'i', bridge: 'b' };
    const options = { port, mqttPort, dataDir, passwords, syncAlways: true };
    const first = await natsServer(options);
    await (await routeStore(first)).put(routeOf('users/find', [], 60_000));
    const responder = await Responder.on(first);
    const finish = Promise.withResolvers<{ outcome: 'ok' }>();
    await responder.serve('users/find', (_, count) => (count === 1 ? finish.promise : { outcome: 'ok' }));
    const { readiness } = await ingress(first, first);
    await (await device(first)).publishAsync('users/find', 'a', { qos: 1 });
    await bodiesOf(responder, 1);
    process.kill(first.pid, 'SIGKILL');
    await first.exited;
    const second = await natsServer(options);
    await until(
      () => readiness.ready,
      (ready) => ready,
    );
    await (await device(second)).publishAsync('users/find', 'b', { qos: 1 });
    expect((await bodiesOf(responder, 3)).slice(1).sort()).toEqual(['a', 'b']);
    finish.resolve({ outcome: 'ok' });
  }, 90_000);
});
