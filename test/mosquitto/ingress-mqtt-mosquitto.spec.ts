import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from '@jest/globals';
import type { MqttClient } from 'mqtt';
import { type MosquittoOptions, type MosquittoServer, startMosquitto } from '#servers';
import { closeAll, later, until } from '../fixtures/later.js';
import { catalogue, executor, served } from '../fixtures/mesh.js';
import { tcpProxy } from '../fixtures/tcp-proxy.js';
import { freePort, natsServer, routeOf } from '../ingress.fixture.js';
import {
  allCame,
  answering,
  device,
  fleet,
  type Ingress,
  ingressTo,
  makeStreams,
  removeStream,
  staysInHand,
  Worker,
  whenReady,
  world,
} from '../ingress-mqtt.fixture.js';

/* Mosquitto as the broker, which speaks MQTT 5, and its own commands as the devices. */

afterEach(closeAll);

async function mosquitto(options?: MosquittoOptions): Promise<MosquittoServer> {
  const server = await startMosquitto(options);
  later(() => server.stop());
  return server;
}

/** One of Mosquitto's commands, until it ends. @returns what it printed */
async function run(command: 'mosquitto_pub' | 'mosquitto_rr', { port }: MosquittoServer, ...args: string[]) {
  const child = spawn(command, ['-h', '127.0.0.1', '-p', String(port), ...args]);
  let said = '';
  child.stdout.on('data', (chunk: Buffer) => {
    said += chunk.toString();
  });
  const [code] = (await once(child, 'close')) as [number];
  expect(code).toBe(0);
  return said;
}

const publish = (broker: MosquittoServer, topic: string, body: string, ...args: string[]) =>
  run('mosquitto_pub', broker, '-t', topic, '-m', body, '-q', '1', ...args);

async function scene(...paths: string[]) {
  const there = await world(paths);
  return { ...there, worker: await Worker.on(there.nats, answering), broker: await mosquitto() };
}

/** What came, once a message sent after all the others has been taken. */
async function settled({ worker, broker }: Awaited<ReturnType<typeof scene>>): Promise<string[]> {
  await publish(broker, 'users/find', 'last');
  await until(
    () => worker.bodies,
    (bodies) => bodies.includes('last'),
  );
  return worker.bodies.filter((body) => body !== 'last');
}

describe.each(['5', '3.1.1'])('with MQTT %s', (version) => {
  it.each(['1', '2'])('mosquitto_pub at QoS %s is work for the handler, once', async (qos) => {
    const there = await scene('users/find');
    await ingressTo(there.nats, there.broker.url, { MESH_MQTT_VERSION: version });
    await run('mosquitto_pub', there.broker, '-t', 'users/find', '-q', qos, '-m', '{"id":"42"}');
    expect(await settled(there)).toEqual(['{"id":"42"}']);
    expect(there.worker.seen[0]?.event.meta.attributes).toEqual({
      topic: 'users/find',
      qos: Number(qos),
      retain: false,
      dup: false,
    });
  });

  it('at QoS 0 it is a call', async () => {
    const there = await scene('users/find');
    await there.responder.serve('users/find');
    await ingressTo(there.nats, there.broker.url, { MESH_MQTT_VERSION: version });
    await run('mosquitto_pub', there.broker, '-t', 'users/find', '-q', '0', '-m', 'x');
    await until(
      () => there.responder.bodies,
      (bodies) => bodies.length === 1,
    );
    expect(await settled(there)).toEqual([]);
  });

  it('topics that several filters match are work for each handler once, whatever wildcards come first', async () => {
    const there = await scene('users/find');
    await there.routes.put(routeOf('all/log', [{ mqtt: { filter: '#' } }, { mqtt: { filter: '+/find' } }]));
    await ingressTo(there.nats, there.broker.url, { MESH_MQTT_VERSION: version });
    await publish(there.broker, 'users/find', 'x');
    await publish(there.broker, 'Other/Topic.>', 'y');
    await there.worker.came(3);
    expect(there.worker.seen.map(({ path, body }) => `${path} ${body}`).sort()).toEqual([
      'all/log x',
      'all/log y',
      'users/find x',
    ]);
  });

  it('what was retained comes to who asks for it, also after it is subscribed anew', async () => {
    const there = await scene('users/find');
    await there.routes.put(routeOf('state/log', [{ mqtt: { filter: 'state/+', retained: true } }]));
    await publish(there.broker, 'users/find', 'old', '-r');
    await publish(there.broker, 'state/lamp', 'on', '-r');
    await ingressTo(there.nats, there.broker.url, { MESH_MQTT_VERSION: version });
    expect(await settled(there)).toEqual(['on']);
  });

  it('no more are in hand than allowed', async () => {
    const there = await scene('users/find');
    await removeStream(there.nats, 'WORK');
    const port = await freePort();
    const settings = { MESH_MQTT_VERSION: version, MESH_MQTT_WINDOW: '3', MESH_HEALTH_PORT: String(port) };
    const running = await ingressTo(there.nats, there.broker.url, settings);
    const client = await device(there.broker.url);
    const bodies = Array.from({ length: 50 }, (_, index) => `m${index}`);
    await Promise.all(bodies.map((body) => client.publishAsync('users/find', body, { qos: 1 })));
    await staysInHand(port, 3);
    await makeStreams(there.nats);
    expect([...(await there.worker.came(50, 30_000))].sort()).toEqual([...bodies].sort());
    expect(running.readiness.ready).toBe(true);
  });

  it('Mosquitto gets no acknowledgement before the stream has the message, and so keeps it', async () => {
    const there = await scene('users/find');
    await removeStream(there.nats, 'WORK');
    // The message is held, and left to the broker at the stop.
    const first = await ingressTo(there.nats, there.broker.url, { MESH_MQTT_VERSION: version });
    await publish(there.broker, 'users/find', 'held');
    await run('mosquitto_pub', there.broker, '-t', 'users/find', '-q', '2', '-m', 'held at 2');
    await first.stop();
    await publish(there.broker, 'users/find', 'meanwhile');
    await makeStreams(there.nats);
    const second = await ingressTo(there.nats, there.broker.url, { MESH_MQTT_VERSION: version });
    expect((await there.worker.came(3)).sort()).toEqual(['held', 'held at 2', 'meanwhile']);
    const held = there.worker.seen.filter(({ body }) => body.startsWith('held'));
    expect(held.map(({ event }) => event.meta.attributes?.dup)).toEqual([true, true]);
    await second.stop();
    await ingressTo(there.nats, there.broker.url, { MESH_MQTT_VERSION: version });
    expect(await settled(there)).toHaveLength(3);
  });
});

const ask = (broker: MosquittoServer, topic: string, ...args: string[]) =>
  run('mosquitto_rr', broker, '-V', '5', '-t', topic, '-e', 'reply/1', '-W', '20', ...args);

describe('mosquitto_rr', () => {
  it('gets the answer of a handler that worked', async () => {
    const { nats, broker } = await scene('users/find');
    await ingressTo(nats, broker.url);
    expect(await ask(broker, 'users/find', '-q', '1', '-m', '{"id":"42"}')).toBe('answer to {"id":"42"}\n');
  });

  it('gets the answer of a call', async () => {
    const { nats, broker, responder } = await scene('users/find');
    await responder.serve('users/find', () => ({ outcome: 'ok' }));
    await ingressTo(nats, broker.url);
    expect(await ask(broker, 'users/find', '-q', '0', '-m', 'x', '-F', '%p|%q')).toBe('|0\n');
  });

  it('gets what the mesh says when nobody runs the handler', async () => {
    const { nats, broker } = await scene('users/find');
    await ingressTo(nats, broker.url);
    const said = await ask(broker, 'users/find', '-q', '0', '-m', 'x');
    expect(JSON.parse(said)).toMatchObject({ status: 503, code: 'no-executor' });
  });
});

describe('a handler in an executor', () => {
  it('is run by mosquitto_pub, and answers mosquitto_rr', async () => {
    const of = await catalogue();
    await makeStreams(of.nats);
    const code = `const seen = [];
      export default (event) => {
        if (event.query.id) seen.push(event.query.id);
        return { id: event.query.id, levels: event.params, seen };
      };`;
    const triggers = [{ mqtt: { filter: 'homes/+/find/#' } }];
    const route = await of.publish({ path: 'users/find', version: '1.0.0', triggers }, code);
    await executor(of);
    await served(of, route);
    const broker = await mosquitto();
    await ingressTo(of.nats, broker.url);
    await publish(broker, 'homes/7/find', '{"id":"1"}');
    const answer = JSON.parse(await ask(broker, 'homes/9/find/a/b', '-q', '1', '-m', '{"id":"42"}'));
    expect(answer).toMatchObject({ id: '42', levels: { 0: '9', 1: 'a/b' } });
    expect([...answer.seen].sort()).toEqual(['1', '42']);
    expect(JSON.parse(await ask(broker, 'homes/9/find', '-q', '0', '-m', '{"id":"43"}'))).toMatchObject({
      id: '43',
    });
  });
});

describe('an answer', () => {
  /** Asks at QoS 1, for an answer on `responseTopic`. */
  async function ask(client: MqttClient, responseTopic: string, correlation = 'c') {
    const properties = { responseTopic, correlationData: Buffer.from(correlation) };
    await client.publishAsync('users/find', 'question', { qos: 1, properties });
  }

  it('says what the request said to know it by, and how it ended', async () => {
    const { nats, broker, worker } = await scene('users/find');
    await ingressTo(nats, broker.url);
    const client = await device(broker.url, { protocolVersion: 5 });
    await client.subscribeAsync('reply/+', { qos: 1 });
    const answered = once(client as never, 'message');
    await ask(client, 'reply/7', '\u0000\u00ff');
    const [topic, payload, packet] = await answered;
    expect([topic, String(payload), packet.qos]).toEqual(['reply/7', 'answer to question', 1]);
    expect(packet.properties).toMatchObject({
      correlationData: Buffer.from('\u0000\u00ff'),
      contentType: 'text/plain',
      userProperties: {
        'mesh-status': '200',
        'mesh-version': '1.0.0',
        'mesh-id': worker.seen[0]?.routing.id,
      },
    });
  });

  it.each(['users/find', '$SYS/x', ''])(
    'is not given on %j; the handler works all the same',
    async (topic) => {
      const { nats, broker, worker } = await scene('users/find');
      await ingressTo(nats, broker.url);
      const client = await device(broker.url, { protocolVersion: 5 });
      await ask(client, topic).catch(() => undefined);
      await publish(broker, 'users/find', 'last');
      await until(
        () => worker.bodies,
        (bodies) => bodies.includes('last'),
      );
      const question = worker.seen.find(({ body }) => body === 'question');
      expect(question?.routing.reply).toBeUndefined();
      expect(worker.bodies).toHaveLength(question ? 2 : 1);
    },
  );

  it('comes although the service was started anew after the question', async () => {
    const there = await world(['users/find']);
    const broker = await mosquitto();
    const first = await ingressTo(there.nats, broker.url);
    const client = await device(broker.url, { protocolVersion: 5 });
    await client.subscribeAsync('reply/1', { qos: 1 });
    const answered = once(client as never, 'message');
    await ask(client, 'reply/1');
    await first.stop();
    await ingressTo(there.nats, broker.url);
    await Worker.on(there.nats, answering);
    expect(String((await answered)[1])).toBe('answer to question');
  });

  it('comes for each of many', async () => {
    const { nats, broker } = await scene('users/find');
    await ingressTo(nats, broker.url);
    const client = await device(broker.url, { protocolVersion: 5 });
    await client.subscribeAsync('reply/#', { qos: 1 });
    const answers: string[] = [];
    client.on('message', (_, __, { properties }) => answers.push(String(properties?.correlationData)));
    const asked = Array.from({ length: 500 }, (_, index) => String(index));
    await Promise.all(asked.map((id) => ask(client, `reply/${id}`, id)));
    await until(
      () => answers,
      ({ length }) => length === 500,
    );
    expect([...answers].sort()).toEqual([...asked].sort());
  });
});

describe('what MQTT 5 says beside the message', () => {
  it('reaches the handler, and a message that is too old is marked for the dead letters', async () => {
    const { nats, broker, worker } = await scene('users/find');
    await ingressTo(nats, broker.url);
    const client = await device(broker.url, { protocolVersion: 5 });
    const properties = {
      contentType: 'application/json',
      messageExpiryInterval: 100,
      userProperties: { specversion: '1.0', id: 'e1', source: '/lamp', type: 'lamp.on', room: ['a', 'b'] },
    };
    const before = Date.now();
    await client.publishAsync('users/find', '{}', { qos: 1, properties });
    await worker.came(1);
    const [{ event, routing }] = worker.seen as [(typeof worker.seen)[0]];
    expect(event).toMatchObject({
      contentType: 'application/json',
      cloudEvent: { id: 'e1', source: '/lamp', type: 'lamp.on' },
      meta: { attributes: { userProperties: { room: ['a', 'b'] } } },
    });
    expect((routing.expires ?? 0) - before).toBeGreaterThan(98_000);
    expect((routing.expires ?? 0) - before).toBeLessThan(110_000);
  });
});

describe('while NATS is away', () => {
  it('messages stay at the broker, and all of them come when it is back', async () => {
    const dataDir = mkdtempSync(join(tmpdir(), 'mesh-nats-'));
    later(() => rmSync(dataDir, { recursive: true, force: true }));
    const passwords = { registry: 'r', executor: 'e', ingress: 'i' };
    const nats = { port: await freePort(), dataDir, passwords };
    const there = await world(['users/find'], { nats });
    const worker = await Worker.on(there.nats);
    const broker = await mosquitto();
    const running = await ingressTo(there.nats, broker.url, { MESH_MQTT_WINDOW: '10' });
    await publish(broker, 'users/find', 'before');
    await worker.came(1);
    process.kill(there.nats.pid, 'SIGKILL');
    await there.nats.exited;
    const client = await device(broker.url);
    const bodies = Array.from({ length: 100 }, (_, index) => `m${index}`);
    await Promise.all(bodies.map((body) => client.publishAsync('users/find', body, { qos: 1 })));
    // Longer than a lease: nobody else can take it while NATS is away, and none is needed to take it back.
    const begun = performance.now();
    await until(
      () => performance.now() - begun,
      (ms) => ms > 5_000,
    );
    await natsServer(nats);
    // The first one may come again, if the kill came before its acknowledgement was on disk; none of the others may.
    const came = await until(
      () => worker.bodies.filter((body) => body !== 'before'),
      ({ length }) => length >= bodies.length,
    );
    expect(came.sort()).toEqual(bodies.sort());
    await whenReady(running);
  }, 30_000);
});

describe('a connection that is cut again and again', () => {
  it.each([
    [1, '5'],
    [2, '5'],
    [1, '3.1.1'],
    [2, '3.1.1'],
  ] as const)(
    'loses nothing at QoS %i with MQTT %s; at QoS 2 nothing comes twice either',
    async (qos, version) => {
      const { nats, worker } = await scene('users/find');
      // By default Mosquitto drops what is beyond 1,000 for a session whose client is away.
      const broker = await mosquitto({ config: ['allow_anonymous true', 'max_queued_messages 0'] });
      const proxy = await tcpProxy(broker.port);
      const running = await ingressTo(nats, `mqtt://127.0.0.1:${proxy.port}`, { MESH_MQTT_VERSION: version });
      const devices = await fleet(broker.url, 'users/find', 20, 4_000, qos);
      for (const count of [200, 1_000, 1_800, 2_600, 3_400]) {
        await worker.came(count, 30_000);
        proxy.cut();
        await whenReady(running);
      }
      const { twice } = await allCame(devices, worker);
      // QoS 1: what was acknowledged, and the broker did not hear of it, comes again like anything else.
      if (qos === 2) expect(twice).toEqual([]);
    },
    60_000,
  );
});

describe('TLS', () => {
  const file = (name: string) => join(process.cwd(), 'test/mosquitto/tls', name);
  const config = [
    `cafile ${file('ca.pem')}`,
    `certfile ${file('server.pem')}`,
    `keyfile ${file('server.key')}`,
    'require_certificate true',
    'use_identity_as_username true',
    'allow_anonymous true',
  ];
  const settings = {
    MESH_MQTT_CA: file('ca.pem'),
    MESH_MQTT_CERT: file('client.pem'),
    MESH_MQTT_KEY: file('client.key'),
    MESH_MQTT_SERVER_NAME: 'broker.test',
  };
  const tlsUrl = ({ port }: MosquittoServer) => `mqtts://127.0.0.1:${port}`;

  it('by certificates of both sides reaches the broker', async () => {
    const there = await world(['users/find']);
    const broker = await mosquitto({ config });
    const { readiness } = await ingressTo(there.nats, tlsUrl(broker), settings);
    expect(readiness.ready).toBe(true);
  });

  it.each([
    ['a broker that another CA vouches for', { MESH_MQTT_CA: undefined }],
    ['a broker of another name', { MESH_MQTT_SERVER_NAME: 'other.test' }],
    ['a broker that wants a certificate', { MESH_MQTT_CERT: undefined, MESH_MQTT_KEY: undefined }],
  ])('does not reach %s: a state, not a crash', async (_, change) => {
    const there = await world(['users/find']);
    const broker = await mosquitto({ config });
    const merged = Object.entries({ ...settings, ...change }).filter(([, value]) => value !== undefined);
    const running = await ingressTo(
      there.nats,
      tlsUrl(broker),
      Object.fromEntries(merged) as Record<string, string>,
    );
    expect(running.readiness.report()).toMatchObject({ nats: true, mqtt: false });
  });

  it('whose files are not there does not start: it says which', async () => {
    const there = await world(['users/find']);
    const broker = await mosquitto({ config });
    await expect(
      ingressTo(there.nats, tlsUrl(broker), { ...settings, MESH_MQTT_KEY: '/nowhere/client.key' }),
    ).rejects.toThrow('MESH_MQTT_KEY: "/nowhere/client.key" cannot be read: ENOENT');
  });
});

describe('Mosquitto', () => {
  it('that restarts gives again what was not acknowledged, and nothing else', async () => {
    const there = await world(['users/find']);
    const worker = await Worker.on(there.nats);
    const port = await freePort();
    const dataDir = mkdtempSync(join(tmpdir(), 'mesh-broker-'));
    later(() => rmSync(dataDir, { recursive: true, force: true }));
    const broker = await mosquitto({ port, dataDir });
    const running: Ingress = await ingressTo(there.nats, broker.url);
    await publish(broker, 'users/find', 'done');
    await worker.came(1);
    await removeStream(there.nats, 'WORK');
    await publish(broker, 'users/find', 'held');
    await broker.stop();
    await until(
      () => running.readiness.ready,
      (ready) => !ready,
    );
    await makeStreams(there.nats);
    const again = await mosquitto({ port, dataDir });
    await whenReady(running);
    await worker.came(2);
    await publish(again, 'users/find', 'last');
    expect(await worker.came(3)).toEqual(['done', 'held', 'last']);
  });
});
