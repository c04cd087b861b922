import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from '@jest/globals';
import { readConfig } from '#contracts';
import { type MosquittoOptions, type MosquittoServer, type NatsServer, startMosquitto } from '#servers';
import { settings } from '../../apps/ingress-mqtt/src/config.js';
import { start } from '../../apps/ingress-mqtt/src/ingress-mqtt.js';
import { closeAll, later, until } from '../fixtures/later.js';
import { freePort, loginOf, natsServer, Responder, routeOf, routeStore } from '../ingress.fixture.js';

/* Mosquitto as the broker, and its own command as the device. */

afterEach(closeAll);

async function mosquitto(options?: MosquittoOptions): Promise<MosquittoServer> {
  const server = await startMosquitto(options);
  later(() => server.stop());
  return server;
}

async function ingress(nats: NatsServer, broker: MosquittoServer) {
  const config = readConfig('ingress-mqtt', settings, {
    ...loginOf(nats, 'ingress'),
    MESH_MQTT_URL: broker.url,
  });
  const running = await start(config, {}, { health: false });
  let stopped: Promise<void> | undefined;
  const stop = () => (stopped ??= running.stop());
  later(stop);
  return { readiness: running.readiness, stop };
}

/** `mosquitto_pub`, until the broker has taken the message. */
async function publish({ port }: MosquittoServer, ...args: string[]): Promise<void> {
  const child = spawn('mosquitto_pub', ['-h', '127.0.0.1', '-p', String(port), ...args], { stdio: 'ignore' });
  const [code] = (await once(child, 'exit')) as [number];
  expect(code).toBe(0);
}

async function world() {
  const nats = await natsServer();
  const routes = await routeStore(nats);
  await routes.put(routeOf('users/find'));
  return { nats, routes, responder: await Responder.on(nats) };
}

const bodiesOf = (responder: Responder, length: number) =>
  until(
    () => responder.bodies,
    (bodies) => bodies.length >= length,
  );

describe('mosquitto_pub', () => {
  it.each(['0', '1', '2'])('at QoS %s runs the handler once', async (qos) => {
    const { nats, responder } = await world();
    await responder.serve('users/find');
    const broker = await mosquitto();
    await ingress(nats, broker);
    await publish(broker, '-t', 'users/find', '-q', qos, '-m', '{"id":"7"}');
    await publish(broker, '-t', 'users/find', '-q', '1', '-m', 'last');
    expect(await bodiesOf(responder, 2)).toEqual(['{"id":"7"}', 'last']);
  });

  it('with topics that several filters match runs each handler once, whatever wildcards come first', async () => {
    const { nats, routes, responder } = await world();
    await routes.put(routeOf('all/log', [{ mqtt: { filter: '#' } }, { mqtt: { filter: '+/find' } }]));
    await responder.serve('users/find');
    await responder.serve('all/log');
    const broker = await mosquitto();
    await ingress(nats, broker);
    await publish(broker, '-t', 'users/find', '-q', '1', '-m', 'x');
    await publish(broker, '-t', 'Other/Topic.>', '-q', '1', '-m', 'y');
    await bodiesOf(responder, 3);
    expect(responder.seen.map(({ path, body }) => `${path} ${body}`).sort()).toEqual([
      'all/log x',
      'all/log y',
      'users/find x',
    ]);
  });
});

describe('Mosquitto', () => {
  it('gets no acknowledgement before the handler has said OK, and so keeps the message', async () => {
    const { nats, responder } = await world();
    const broker = await mosquitto();
    // Nobody runs the handler: the message is held, and left to the broker at the stop.
    const first = await ingress(nats, broker);
    await publish(broker, '-t', 'users/find', '-q', '1', '-m', 'held');
    await first.stop();
    await publish(broker, '-t', 'users/find', '-q', '1', '-m', 'meanwhile');
    await responder.serve('users/find');
    const second = await ingress(nats, broker);
    expect(await bodiesOf(responder, 2)).toEqual(['held', 'meanwhile']);
    expect(responder.seen[0]?.event.meta.attributes).toMatchObject({ dup: true });
    await second.stop();
    await ingress(nats, broker);
    await publish(broker, '-t', 'users/find', '-q', '1', '-m', 'last');
    expect(await bodiesOf(responder, 3)).toEqual(['held', 'meanwhile', 'last']);
  });

  it('that restarts gives again what was not acknowledged, and nothing else', async () => {
    const { nats, responder } = await world();
    const port = await freePort();
    const dataDir = mkdtempSync(join(tmpdir(), 'mesh-broker-'));
    later(() => rmSync(dataDir, { recursive: true, force: true }));
    const broker = await mosquitto({ port, dataDir });
    const { readiness } = await ingress(nats, broker);
    await publish(broker, '-t', 'users/find', '-q', '1', '-m', 'held');
    await broker.stop();
    await until(
      () => readiness.ready,
      (ready) => !ready,
    );
    await responder.serve('users/find');
    const again = await mosquitto({ port, dataDir });
    await until(
      () => readiness.ready,
      (ready) => ready,
    );
    await publish(again, '-t', 'users/find', '-q', '1', '-m', 'last');
    expect(await bodiesOf(responder, 2)).toEqual(['held', 'last']);
  });
});
