import { WORK_STREAM } from '#contracts';
import { startMosquitto } from '#servers';
import { ask, until, waitingOf } from './facts.mjs';
import { untilServing } from './ground.mjs';
import { runRounds } from './rounds.mjs';

const POOL = 'mqtt';
/** A topic for each side: a broker sends every message to whoever subscribes it. */
const MESH = 'bench/mqtt';
const RAW = 'bench-raw/mqtt';
const BODY = '{"id":"42"}';
const AT_ONCE = 200;
// Mosquitto drops what is beyond a thousand for one session, unless told otherwise.
const MOSQUITTO = ['allow_anonymous true', 'max_queued_messages 0'];

/**
 * Messages of QoS 1 that were handled, a second, while a client publishes as fast as it can: by a subscriber that does
 * nothing but acknowledge, and by ingress-mqtt (which acknowledges what stands in the stream) and an executor. Once on
 * nats-server's own broker and, where it is installed, once on Mosquitto.
 */
export async function benchMqtt(ground, { note, ...options }) {
  const executor = await ground.startExecutor(POOL, 'thread', { [MESH]: {} });
  const results = [];
  for (const broker of await brokers(ground, note)) {
    const publisher = await ground.startOwn('publisher-mqtt.mjs', 'bridge', { BENCH_MQTT_URL: broker.url });
    const contenders = [
      await rawSubscriber(ground, broker, publisher, options),
      await mesh(ground, broker, publisher, executor, options),
    ];
    results.push(...(await runRounds(`mqtt ${broker.name}`, contenders, { ...options, note })));
  }
  return results;
}

async function brokers(ground, note) {
  const { mqttUrl, pid, users } = ground.nats;
  const login = { BENCH_MQTT_USER: users.bridge.user, BENCH_MQTT_PASSWORD: users.bridge.password };
  const own = { name: 'nats-server', url: mqttUrl, pids: {}, version: '4', login };
  try {
    const { url, pid: mosquitto } = ground.keep(await startMosquitto({ config: MOSQUITTO }));
    return [own, { name: 'mosquitto', url, pids: { mosquitto }, version: '5', login: {} }];
  } catch (error) {
    note(`Without Mosquitto: ${error.message}`);
    return [{ ...own, pids: { nats: pid } }];
  }
}

async function rawSubscriber(ground, broker, publisher, { events }) {
  const child = await ground.startOwn('subscriber-mqtt.mjs', 'bridge', {
    BENCH_MQTT_URL: broker.url,
    BENCH_MQTT_VERSION: broker.version,
    BENCH_MQTT_TOPIC: RAW,
    ...broker.login,
  });
  let handled = 0;
  return {
    key: 'raw subscriber',
    pids: { publisher: publisher.pid, subscriber: child.pid, nats: ground.nats.pid, ...broker.pids },
    measure: async (time) => {
      handled += events;
      await time(async () => {
        await Promise.all([ask(publisher, load(RAW, events)), ask(child, { until: handled })]);
        return events;
      });
    },
  };
}

async function mesh(ground, broker, publisher, executor, { events, signal }) {
  const ingress = ground.startService('ingress-mqtt', 'ingress-mqtt', {
    ...ground.loginOf('ingress'),
    MESH_MQTT_URL: broker.url,
    ...(broker.login.BENCH_MQTT_USER && {
      MESH_MQTT_USER: broker.login.BENCH_MQTT_USER,
      MESH_MQTT_PASSWORD: broker.login.BENCH_MQTT_PASSWORD,
    }),
    MESH_MQTT_CLIENT_ID: `bench-${broker.name}`,
  });
  await untilServing(ingress);
  const pids = {
    publisher: publisher.pid,
    ingress: ingress.pid,
    executor: executor.pid,
    nats: ground.nats.pid,
    ...broker.pids,
  };
  return {
    key: 'ingress-mqtt',
    pids,
    measure: async (time) => {
      const taken = (await lastOf(ground)) + events;
      await time(async () => {
        await ask(publisher, load(MESH, events));
        await until('the stream has taken all', async () => (await lastOf(ground)) >= taken, signal);
        await until('all is done', async () => (await waitingOf(ground, MESH)) === 0, signal);
        return events;
      });
    },
  };
}

const load = (topic, count) => ({ topic, count, body: BODY, atOnce: AT_ONCE });

/** Nothing but these messages goes into the stream. */
const lastOf = async ({ manager }) => (await manager.streams.info(WORK_STREAM)).state.last_seq;
