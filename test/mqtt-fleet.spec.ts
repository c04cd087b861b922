import { afterEach, describe, expect, it } from '@jest/globals';
import { closeAll, until } from './fixtures/later.js';
import type { ServiceProcess } from './fixtures/service-process.js';
import {
  allCame,
  bridgeOf,
  device,
  FLEET,
  fleet,
  ingressProcess,
  Worker,
  type World,
  world,
} from './ingress-mqtt.fixture.js';

/*
 * Many devices, and replicas of the service as processes, on nats-server: it has no shared subscriptions, so one replica
 * works and the other stands by. In full: MESH_TEST_DEVICES=1000 MESH_TEST_MESSAGES=50000.
 */

afterEach(closeAll);

const CONNECTED = 'Connected to the MQTT broker';
const STANDING_BY = 'Standing by';
const LONG_MS = 300_000;

async function scene() {
  const there = await world(['users/find']);
  return { ...there, worker: await Worker.on(there.nats) };
}

const replica = ({ nats }: World): ServiceProcess =>
  ingressProcess(nats, nats.mqttUrl as string, bridgeOf(nats));

/** One that has the session, and one that waits for it. */
async function twoReplicas(there: World): Promise<[ServiceProcess, ServiceProcess]> {
  const working = replica(there);
  await working.printed(CONNECTED);
  const waiting = replica(there);
  await waiting.printed(STANDING_BY);
  return [working, waiting];
}

const fleetOf = ({ nats }: World) =>
  fleet(nats.mqttUrl as string, 'users/find', FLEET.devices, FLEET.messages);

describe('many devices', () => {
  it(
    'lose nothing, and nothing comes twice',
    async () => {
      const there = await scene();
      await replica(there).printed(CONNECTED);
      expect(await allCame(await fleetOf(there), there.worker, LONG_MS)).toEqual({ lost: [], twice: [] });
    },
    LONG_MS,
  );

  it(
    'lose nothing, and nothing comes twice, while another replica stands by',
    async () => {
      const there = await scene();
      const [, waiting] = await twoReplicas(there);
      expect(await allCame(await fleetOf(there), there.worker, LONG_MS)).toEqual({ lost: [], twice: [] });
      expect(waiting.output).not.toContain(CONNECTED);
    },
    LONG_MS,
  );

  it(
    'lose nothing when the replica that works is killed half-way',
    async () => {
      const there = await scene();
      const [working, waiting] = await twoReplicas(there);
      const devices = await fleetOf(there);
      await there.worker.came(FLEET.messages / 2, LONG_MS);
      await working.end('SIGKILL');
      await waiting.printed(CONNECTED);
      const { twice } = await allCame(devices, there.worker, LONG_MS);
      // What was in the stream and not acknowledged: nats-server has at most 100 of a subscription under way.
      expect(twice.length).toBeLessThanOrEqual(100);
    },
    LONG_MS,
  );
});

describe('a replica', () => {
  it(
    'that is frozen loses the session, and does not take it back when it thaws',
    async () => {
      const there = await scene();
      const [working, waiting] = await twoReplicas(there);
      working.child.kill('SIGSTOP');
      await waiting.printed(CONNECTED);
      working.child.kill('SIGCONT');
      await working.printed('Another replica has taken the session');
      const devices = await fleetOf(there);
      expect(await allCame(devices, there.worker, LONG_MS)).toEqual({ lost: [], twice: [] });
      await working.printed(STANDING_BY);
      expect(waiting.output).not.toContain('the connection has ended');
    },
    LONG_MS,
  );

  it('that is stopped gives the session to the other one at once', async () => {
    const there = await scene();
    const [working, waiting] = await twoReplicas(there);
    const client = await device(there.nats.mqttUrl as string);
    expect(await working.end('SIGTERM')).toBe(0);
    const ended = performance.now();
    await client.publishAsync('users/find', 'meanwhile', { qos: 1 });
    await until(
      () => there.worker.bodies,
      (bodies) => bodies.includes('meanwhile'),
    );
    await waiting.printed(CONNECTED);
    // Not given back, it would be the other's when it was not renewed for four seconds, of which one may be over.
    expect(performance.now() - ended).toBeLessThan(3_000);
  });
});
