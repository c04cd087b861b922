import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from '@jest/globals';
import { jetstreamManager } from '@nats-io/jetstream';
import { connect as natsConnect } from '@nats-io/transport-node';
import type { IClientPublishOptions } from 'mqtt';
import type { NatsServer } from '#servers';
import { closeAll, later, until } from './fixtures/later.js';
import { freePort, natsServer, routeOf, type Trigger } from './ingress.fixture.js';
import {
  answering,
  asPath,
  bridgeOf,
  device,
  type Ingress,
  ingressTo,
  makeStreams,
  removeStream,
  staysInHand,
  stored,
  Worker,
  type WorldOptions,
  whenReady,
  world,
} from './ingress-mqtt.fixture.js';

/*
 * Devices on nats-server's own MQTT listener: the ingress, NATS and the broker are real, handlers are stood in for. The
 * broker is often a second server, so that it can be away while NATS is not.
 */

afterEach(closeAll);

const ingress = (
  nats: NatsServer,
  broker: Pick<NatsServer, 'mqttUrl' | 'users'>,
  environment: Record<string, string> = {},
): Promise<Ingress> => ingressTo(nats, broker.mqttUrl ?? '', { ...bridgeOf(broker), ...environment });

/** NATS, routes, a worker, and one device that publishes at QoS 1 unless told otherwise. */
async function scene(paths: readonly string[], options?: WorldOptions) {
  const there = await world(paths, options);
  const worker = await Worker.on(there.nats);
  const client = await device(there.nats.mqttUrl as string);
  const publish = async (topic: string, body: string | Buffer, more?: IClientPublishOptions) => {
    await client.publishAsync(topic, body, { qos: 1, ...more });
  };
  return { ...there, worker, publish };
}

type Scene = Awaited<ReturnType<typeof scene>>;

/** A broker that anyone may use, and look into. */
const openBroker = () => natsServer({ open: true, mqttPort: 0 });

/** nats-server cuts a device off that publishes what is no subject. */
async function publishOrBeCut(broker: NatsServer, topic: string, body = topic): Promise<void> {
  const client = await device(broker.mqttUrl as string);
  const cut = new Promise<void>((resolve) => client.once('close', () => resolve()));
  await Promise.race([client.publishAsync(topic, body, { qos: 1 }), cut]);
}

/** What the broker, an open server, keeps of each subscription: its subject, and what waits for an ack. */
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

/** What came, once a message sent after all the others has been taken: what was to come has come by then. */
async function settled({ publish, worker }: Scene, topic = 'users/find'): Promise<string[]> {
  await publish(topic, 'last');
  await until(
    () => worker.bodies,
    (bodies) => bodies.includes('last'),
  );
  return worker.bodies.filter((body) => body !== 'last');
}

/** Resolves after so many ms: where time is the fact. */
async function passed(ms: number): Promise<void> {
  const begun = performance.now();
  await until(
    () => performance.now() - begun,
    (now) => now > ms,
    ms + 1_000,
  );
}

describe('a message', () => {
  it.each([1, 2] as const)('of QoS %i is work for the handler of its topic, once', async (qos) => {
    const there = await scene(['users/find']);
    await ingress(there.nats, there.nats);
    await there.publish('users/find', '{"id":"7"}', { qos });
    expect(await settled(there)).toEqual(['{"id":"7"}']);
    expect(there.worker.seen[0]?.event.meta).toEqual({
      source: 'mqtt',
      attributes: { topic: 'users/find', qos, retain: false, dup: false },
    });
    expect(there.responder.seen).toEqual([]);
  });

  it('of QoS 0 is a call of the handler, once', async () => {
    const there = await scene(['users/find']);
    await there.responder.serve('users/find');
    await ingress(there.nats, there.nats);
    await there.publish('users/find', '{"id":"7"}', { qos: 0 });
    await until(
      () => there.responder.bodies,
      (bodies) => bodies.length > 0,
    );
    expect(await settled(there)).toEqual([]);
    expect(there.responder.bodies).toEqual(['{"id":"7"}']);
    expect(there.responder.seen[0]?.event.meta.attributes).toMatchObject({ qos: 0 });
  });

  it('that is empty, or no text, arrives as it is', async () => {
    const there = await scene(['users/find']);
    await ingress(there.nats, there.nats);
    const bytes = Buffer.from([0, 255, 13, 10, 0]);
    await there.publish('users/find', '');
    await there.publish('users/find', bytes);
    await there.worker.came(2);
    const bodies = there.worker.seen.map(({ item }) => Buffer.from(item.body));
    expect(bodies).toEqual([Buffer.alloc(0), bytes]);
  });

  it('that the broker retained is only for the handler that asks for it', async () => {
    const there = await scene(['users/find']);
    await there.routes.put(routeOf('state/log', [{ mqtt: { filter: 'state/+', retained: true } }]));
    await there.publish('users/find', 'old', { retain: true });
    await there.publish('state/lamp', 'on', { retain: true });
    await ingress(there.nats, there.nats);
    expect(await settled(there)).toEqual(['on']);
    expect(there.worker.seen[0]?.event.meta.attributes).toMatchObject({ retain: true });
    // What is retained from now on is news all the same.
    await there.publish('users/find', 'new', { retain: true });
    await there.worker.came(3);
    expect(there.worker.bodies).toContain('new');
  });

  it('that is larger than the mesh carries is acknowledged and dropped', async () => {
    const there = await scene(['users/find']);
    await ingress(there.nats, there.nats);
    await there.publish('users/find', Buffer.alloc(8 * 1024 * 1024 - 8 * 1024));
    expect(await settled(there)).toEqual([]);
  });

  it('of a handler that wants them in order keeps its place', async () => {
    const there = await scene([]);
    const route = routeOf('users/find');
    const [version] = route.versions;
    await there.routes.put({
      ...route,
      versions: [{ ...version, work: { ordered: true } } as typeof version & object],
    });
    await ingress(there.nats, there.nats);
    const bodies = Array.from({ length: 300 }, (_, index) => `m${index}`);
    await Promise.all(bodies.map((body) => there.publish('users/find', body)));
    const seen = await there.worker.came(300);
    expect(there.worker.seen.map(({ item }) => item.seq)).toEqual(seen.map((_, index) => index + 1));
    expect(seen).toEqual(bodies);
  });
});

describe('an acknowledgement', () => {
  it('goes to the broker when the stream has the message, and not before', async () => {
    const { nats, worker } = await scene(['users/find']);
    await removeStream(nats, 'WORK');
    const broker = await openBroker();
    await ingress(nats, broker);
    const client = await device(broker.mqttUrl as string);
    for (const qos of [1, 2] as const) await client.publishAsync('users/find', `qos ${qos}`, { qos });
    await until(
      () => unacknowledged(broker),
      (pending) => pending === 2,
    );
    await makeStreams(nats);
    await acknowledged(broker);
    expect((await worker.came(2)).sort()).toEqual(['qos 1', 'qos 2']);
  });

  it('that takes longer than the broker waits brings the message again, but not into the stream', async () => {
    const there = await scene(['users/find']);
    await removeStream(there.nats, 'WORK');
    await ingress(there.nats, there.nats);
    await there.publish('users/find', 'slow');
    // ack_wait of the mesh's nats-server is 5 s: it sends the message again at least once.
    await passed(6_500);
    await makeStreams(there.nats);
    await there.worker.came(1);
    // A second one would be tried again every 2 s at the least.
    await passed(2_500);
    expect(await settled(there)).toEqual(['slow']);
  });
});

describe('topics', () => {
  const filter = (text: string): Trigger => ({ mqtt: { filter: text } });

  it('of hostile names reach the handler that asked for them, and no subject but its own', async () => {
    const there = await scene(['users/find']);
    await there.routes.put(routeOf('all/log', [filter('#')]));
    await there.routes.put(routeOf('bad/filters', [filter('a/#/b'), filter('a+'), filter('$SYS/#')]));
    const broker = await openBroker();
    await whenReady(await ingress(there.nats, broker));
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
    const seen = () => there.worker.seen.map(({ path, body }) => `${path} ${body}`);
    await until(seen, (works) => works.filter((work) => work.endsWith(' users/find')).length === 2);
    const expected = ['mesh/call/users/find', 'Users/Find', 'users/find'].map((topic) => `all/log ${topic}`);
    expect(seen()).toEqual(expect.arrayContaining([...expected, 'users/find users/find']));
    expect(seen().filter((work) => !work.startsWith('all/log '))).toEqual(['users/find users/find']);
    expect(new Set(seen()).size).toBe(seen().length);
  });

  it('that several handlers want are work for each of them, once, with what the wildcards stand for', async () => {
    const there = await scene(['rooms/a/lamp']);
    await there.routes.put(routeOf('rooms/watch', [filter('rooms/+/lamp'), filter('rooms/#')]));
    await there.routes.put(routeOf('rooms/a', [filter('rooms/a/+')]));
    await ingress(there.nats, there.nats);
    await there.publish('rooms/a/lamp', 'on');
    await there.publish('rooms/b/lamp', 'off');
    await settled(there, 'rooms/c/lamp');
    const seen = there.worker.seen.map(({ path, body, event }) => [path, body, event.meta.params]);
    expect(seen).toHaveLength(5);
    expect(seen).toEqual(
      expect.arrayContaining([
        ['rooms/a/lamp', 'on', undefined],
        ['rooms/watch', 'on', { 0: 'a' }],
        ['rooms/a', 'on', { 0: 'lamp' }],
        ['rooms/watch', 'off', { 0: 'b' }],
        ['rooms/watch', 'last', { 0: 'c' }],
      ]),
    );
  });

  it('follow the routes while the service runs', async () => {
    const there = await scene(['users/find']);
    const { readiness } = await ingress(there.nats, there.nats);
    await there.publish('users/new', 'too early');
    await there.routes.put(routeOf('users/new'));
    // Until it is subscribed nobody gets what is published.
    await until(
      async () => {
        await there.publish('users/new', 'new');
        return there.worker.bodies;
      },
      (bodies) => bodies.includes('new'),
    );
    expect(there.worker.bodies).not.toContain('too early');
    await there.routes.remove(asPath('users/new'));
    await until(
      async () => {
        const { length } = there.worker.seen;
        await there.publish('users/new', 'late');
        await there.publish('users/find', 'tick');
        return (await there.worker.came(length + 1)).at(-1);
      },
      (body) => body === 'tick',
    );
    expect(readiness.ready).toBe(true);
  });

  it('of more routes than the broker has room for are subscribed by their first level', async () => {
    const paths = Array.from({ length: 30 }, (_, index) => `fleet/device-${index}`);
    const there = await scene([...paths, 'users/find']);
    const broker = await openBroker();
    await ingress(there.nats, broker, { MESH_MQTT_MOST_FILTERS: '20' });
    const subjects = new Set((await kept(broker)).map(({ subject }) => subject));
    // nats-server has a consumer for "fleet/#" and one for "fleet", which that covers, too.
    expect(subjects).toEqual(
      new Set(['fleet', 'fleet.>', 'users', 'users.>'].map((text) => `$MQTT.msgs.${text}`)),
    );
    for (const topic of ['fleet/device-7', 'fleet/none', 'fleet', 'users/find'])
      await publishOrBeCut(broker, topic);
    expect(await there.worker.came(2)).toEqual(['fleet/device-7', 'users/find']);
    await acknowledged(broker);
  });

  it('that another filter covers from now on are given up when the broker has nothing more for them', async () => {
    const there = await scene(['rooms/a']);
    await removeStream(there.nats, 'WORK');
    const broker = await openBroker();
    await ingress(there.nats, broker);
    const client = await device(broker.mqttUrl as string);
    // More than the broker gives unacknowledged: the rest waits in what it keeps for this one subscription.
    const bodies = Array.from({ length: 250 }, (_, index) => `m${index}`);
    await Promise.all(bodies.map((body) => client.publishAsync('rooms/a', body, { qos: 1 })));
    await there.routes.put(routeOf('rooms/log', [filter('rooms/#')]));
    const subjects = async () =>
      (await kept(broker)).map(({ subject }) => subject?.slice('$MQTT.msgs.'.length));
    await until(subjects, (all) => all.includes('rooms.>'));
    await makeStreams(there.nats);
    const came = () => there.worker.seen.filter(({ path }) => path === 'rooms/a').map(({ body }) => body);
    await until(came, ({ length }) => length === 250, 30_000);
    expect(came().sort()).toEqual([...bodies].sort());
    await until(subjects, (all) => !all.includes('rooms.a'));
  }, 40_000);

  it('that were covered while the service was away lose nothing of what the broker kept for them', async () => {
    const there = await scene(['rooms/a']);
    const broker = await openBroker();
    await (await ingress(there.nats, broker)).stop();
    const client = await device(broker.mqttUrl as string);
    const bodies = Array.from({ length: 1_000 }, (_, index) => `m${index}`);
    await Promise.all(bodies.map((body) => client.publishAsync('rooms/a', body, { qos: 1 })));
    await there.routes.put(routeOf('rooms/log', [filter('rooms/#')]));
    await ingress(there.nats, broker);
    const came = () => there.worker.seen.filter(({ path }) => path === 'rooms/a').map(({ body }) => body);
    await until(came, ({ length }) => length === 1_000);
    expect(came().sort()).toEqual([...bodies].sort());
  });

  it('that were covered while the service was away bring no message twice', async () => {
    const there = await scene(['rooms/a']);
    await there.routes.put(routeOf('old/log', [filter('old/+')]));
    const broker = await openBroker();
    await (await ingress(there.nats, broker)).stop();
    await there.routes.remove(asPath('old/log'));
    await there.routes.put(routeOf('rooms/log', [filter('rooms/#')]));
    await ingress(there.nats, broker);
    await until(
      async () => (await kept(broker)).map(({ subject }) => subject?.slice('$MQTT.msgs.'.length)).sort(),
      (all) => all.join(' ') === 'rooms rooms.>',
    );
    await publishOrBeCut(broker, 'rooms/a', 'once');
    await publishOrBeCut(broker, 'rooms/a', 'last');
    await there.worker.came(4);
    const seen = there.worker.seen.map(({ path, body }) => `${path} ${body}`).sort();
    expect(seen).toEqual(['rooms/a last', 'rooms/a once', 'rooms/log last', 'rooms/log once']);
  });

  it('of a route that went while the service was away are given up when they come', async () => {
    const there = await scene(['users/find', 'users/gone']);
    const broker = await openBroker();
    await (await ingress(there.nats, broker)).stop();
    await publishOrBeCut(broker, 'users/gone');
    await there.routes.remove(asPath('users/gone'));
    await ingress(there.nats, broker);
    await until(
      () => kept(broker),
      (subscriptions) => subscriptions.length === 1,
    );
    expect(await kept(broker)).toEqual([{ subject: '$MQTT.msgs.users.find', pending: 0 }]);
    expect(there.worker.seen).toEqual([]);
  });
});

describe('while the mesh cannot take a message', () => {
  it('since as many of its path wait as may, it is held; others are not', async () => {
    const there = await scene(['users/find', 'users/other'], { streams: { workMaxPerPath: 2 } });
    await ingress(there.nats, there.nats);
    await there.worker.stop();
    for (const body of ['a', 'b', 'c', 'd']) await there.publish('users/find', body);
    await there.publish('users/other', 'other');
    await until(
      () => stored(there.nats),
      (count) => count === 3,
    );
    const second = await Worker.on(there.nats);
    expect((await second.came(5)).sort()).toEqual(['a', 'b', 'c', 'd', 'other']);
  });

  it('a stop leaves it to the broker, and the next start takes it', async () => {
    const there = await scene(['users/find']);
    await removeStream(there.nats, 'WORK');
    const first = await ingress(there.nats, there.nats);
    for (const body of ['a', 'b']) await there.publish('users/find', body);
    await first.stop();
    await there.publish('users/find', 'c');
    await makeStreams(there.nats);
    await ingress(there.nats, there.nats);
    expect((await there.worker.came(3)).sort()).toEqual(['a', 'b', 'c']);
  });

  it('no more are in hand than allowed', async () => {
    const there = await scene(['users/find']);
    await removeStream(there.nats, 'WORK');
    const broker = await openBroker();
    const port = await freePort();
    const settings = { MESH_MQTT_WINDOW: '3', MESH_HEALTH_PORT: String(port) };
    await ingress(there.nats, broker, settings);
    const client = await device(broker.mqttUrl as string);
    const bodies = Array.from({ length: 200 }, (_, index) => `m${index}`);
    await Promise.all(bodies.map((body) => client.publishAsync('users/find', body, { qos: 1 })));
    await staysInHand(port, 3);
    await makeStreams(there.nats);
    const came = await there.worker.came(200, 30_000);
    expect([...came].sort()).toEqual([...bodies].sort());
    await acknowledged(broker);
  });
});

describe('an answer', () => {
  const REPLY = { MESH_MQTT_REPLY_TOPIC: '{topic}/reply' };

  it('goes to the topic that is set up for it, for work and for calls', async () => {
    const there = await world(['users/find']);
    await there.responder.serve('users/find', () => ({ outcome: 'ok' }));
    await Worker.on(there.nats, answering);
    await ingress(there.nats, there.nats, REPLY);
    const client = await device(there.nats.mqttUrl as string);
    const heard: string[] = [];
    client.on('message', (topic, payload) => heard.push(`${topic} ${payload}`));
    await client.subscribeAsync('users/find/reply', { qos: 1 });
    await client.publishAsync('users/find', 'work', { qos: 1 });
    await until(
      () => heard,
      (messages) => messages.includes('users/find/reply answer to work'),
    );
    await client.publishAsync('users/find', 'call', { qos: 0 });
    await until(
      () => heard,
      (messages) => messages.length === 2,
    );
    expect(heard[1]).toBe('users/find/reply ');
  });

  it('is not given where it would be an event again', async () => {
    const there = await scene([]);
    await there.routes.put(routeOf('all/log', [{ mqtt: { filter: 'all/#' } }]));
    await ingress(there.nats, there.nats, REPLY);
    await there.publish('all/a', 'x');
    expect(await settled(there, 'all/b')).toEqual(['x']);
    expect(there.worker.seen[0]?.routing.reply).toBeUndefined();
  });
});

describe('a stop', () => {
  it('in mid-flight loses nothing, and the next start takes what is left', async () => {
    const there = await scene(['users/find']);
    const bodies = Array.from({ length: 2_000 }, (_, index) => `m${index}`);
    const first = await ingress(there.nats, there.nats);
    const published = Promise.all(bodies.map((body) => there.publish('users/find', body)));
    await there.worker.came(100);
    await first.stop();
    await published;
    await ingress(there.nats, there.nats);
    // What nats-server had sent, and was not acknowledged, it sends again when its ack_wait, 5 s, is over.
    await there.worker.came(2_000, 30_000);
    expect([...there.worker.bodies].sort()).toEqual([...bodies].sort());
  });
});

describe('a broker that cannot be reached', () => {
  it('is a state: not ready, tried again, and subscribed at once it is there', async () => {
    const there = await scene(['users/find']);
    const mqttPort = await freePort();
    const passwords = { bridge: 'b' };
    const bridge = { user: 'bridge', password: 'b' };
    const url = `mqtt://127.0.0.1:${mqttPort}`;
    const running = await ingress(there.nats, { mqttUrl: url, users: { ...there.nats.users, bridge } });
    expect(running.readiness.report()).toEqual({
      nats: true,
      routes: true,
      mqtt: false,
      subscriptions: false,
    });
    await natsServer({ mqttPort, passwords });
    await whenReady(running);
    await (await device(url)).publishAsync('users/find', 'first', { qos: 1 });
    expect(await there.worker.came(1)).toEqual(['first']);
  });

  it('because the login is wrong is a state, too', async () => {
    const there = await world(['users/find']);
    const wrong = { MESH_MQTT_PASSWORD: 'wrong' };
    const { readiness } = await ingress(there.nats, there.nats, wrong);
    expect(readiness.report()).toMatchObject({ nats: true, mqtt: false });
  });

  it('and comes back as it was, or with nothing kept, gets its subscriptions again', async () => {
    const there = await scene(['users/find']);
    const mqttPort = await freePort();
    const dataDir = mkdtempSync(join(tmpdir(), 'mesh-broker-'));
    later(() => rmSync(dataDir, { recursive: true, force: true }));
    const passwords = { bridge: 'b' };
    let broker = await natsServer({ mqttPort, passwords, dataDir });
    const running = await ingress(there.nats, broker);
    for (const options of [{ dataDir }, {}]) {
      await broker.stop();
      await until(
        () => running.readiness.ready,
        (ready) => !ready,
      );
      broker = await natsServer({ mqttPort, passwords, ...options });
      await whenReady(running);
      const { length } = there.worker.seen;
      await (await device(broker.mqttUrl as string)).publishAsync('users/find', `after ${length}`, {
        qos: 1,
      });
      await there.worker.came(length + 1);
    }
    expect(there.worker.bodies).toEqual(['after 0', 'after 1']);
  });
});

describe('NATS and broker in one server', () => {
  it('that is killed under load loses nothing that it had acknowledged, and all goes on by itself', async () => {
    const [port, mqttPort] = [await freePort(), await freePort()];
    const dataDir = mkdtempSync(join(tmpdir(), 'mesh-broker-'));
    later(() => rmSync(dataDir, { recursive: true, force: true }));
    const passwords = { registry: 'r', executor: 'e', ingress: 'i', bridge: 'b' };
    const nats = { port, mqttPort, dataDir, passwords, syncAlways: true };
    const there = await world(['users/find'], { nats });
    const worker = await Worker.on(there.nats);
    const running = await ingress(there.nats, there.nats);
    const client = await device(there.nats.mqttUrl as string);
    client.on('error', () => undefined);
    const acknowledgedBodies: string[] = [];
    const bodies = Array.from({ length: 500 }, (_, index) => `m${index}`);
    for (const body of bodies)
      void client.publishAsync('users/find', body, { qos: 1 }).then(
        () => acknowledgedBodies.push(body),
        () => undefined,
      );
    await worker.came(50);
    process.kill(there.nats.pid, 'SIGKILL');
    await there.nats.exited;
    await natsServer(nats);
    await whenReady(running);
    await (await device(there.nats.mqttUrl as string)).publishAsync('users/find', 'after', { qos: 1 });
    await until(
      () => [...acknowledgedBodies, 'after'].filter((body) => !worker.bodies.includes(body)),
      (missing) => missing.length === 0,
      30_000,
    );
  }, 90_000);
});
