import { afterEach, describe, expect, it } from '@jest/globals';
import { type MosquittoServer, startMosquitto } from '#servers';
import { closeAll, later, until } from '../fixtures/later.js';
import type { ServiceProcess } from '../fixtures/service-process.js';
import { allCame, FLEET, fleet, ingressProcess, Worker, type World, world } from '../ingress-mqtt.fixture.js';

/*
 * Many devices on Mosquitto, and replicas of the service as processes that share what comes (`$share`). In full:
 * MESH_TEST_DEVICES=1000 MESH_TEST_MESSAGES=50000.
 */

afterEach(closeAll);

const CONNECTED = 'Connected to the MQTT broker';
const LONG_MS = 300_000;

async function scene() {
  const there = await world(['users/find']);
  // By default Mosquitto drops what is beyond 1,000 for a session whose client is away.
  const broker = await startMosquitto({ config: ['allow_anonymous true', 'max_queued_messages 0'] });
  later(() => broker.stop());
  return { ...there, broker, worker: await Worker.on(there.nats) };
}

type Scene = World & { readonly broker: MosquittoServer };

async function replica({ nats, broker }: Scene, environment = {}): Promise<ServiceProcess> {
  const service = ingressProcess(nats, broker.url, { MESH_MQTT_SHARE: 'mesh', ...environment });
  await service.printed('Ready.');
  return service;
}

const fleetOf = ({ broker }: Scene) => fleet(broker.url, 'users/find', FLEET.devices, FLEET.messages);

const seatsOf = ({ output }: ServiceProcess): string[] =>
  [...output.matchAll(/Connected to the MQTT broker\..*?clientId\\":\\"([^\\]+)/g)].map(
    ([, name]) => name as string,
  );

describe.each(['5', '3.1.1'])('two replicas that share by MQTT %s', (version) => {
  it(
    'have a session each, lose nothing, and nothing comes twice',
    async () => {
      const there = await scene();
      const settings = { MESH_MQTT_VERSION: version };
      const replicas = [await replica(there, settings), await replica(there, settings)];
      expect(replicas.flatMap(seatsOf)).toEqual(['mesh-ingress-mqtt-0', 'mesh-ingress-mqtt-1']);
      const devices = await fleetOf(there);
      expect(await allCame(devices, there.worker, LONG_MS)).toEqual({ lost: [], twice: [] });
      for (const service of replicas) expect(await service.end('SIGTERM')).toBe(0);
    },
    LONG_MS,
  );
});

describe('one of two replicas that is killed half-way', () => {
  it(
    'leaves nothing behind that the other one does not take',
    async () => {
      const there = await scene();
      const [killed, left] = [await replica(there), await replica(there)];
      const devices = await fleetOf(there);
      await there.worker.came(FLEET.messages / 2, LONG_MS);
      await killed.end('SIGKILL');
      const { twice } = await allCame(devices, there.worker, LONG_MS);
      // What was in the stream and not acknowledged, at most a window of it.
      expect(twice.length).toBeLessThanOrEqual(1_000);
      expect(seatsOf(left)).toEqual(['mesh-ingress-mqtt-1', 'mesh-ingress-mqtt-0']);
    },
    LONG_MS,
  );

  it(
    'and is started again takes its session back',
    async () => {
      const there = await scene();
      const [killed, left] = [await replica(there), await replica(there)];
      const devices = await fleetOf(there);
      await there.worker.came(FLEET.messages / 2, LONG_MS);
      await killed.end('SIGKILL');
      const again = await replica(there);
      await allCame(devices, there.worker, LONG_MS);
      expect(seatsOf(again)).toEqual(['mesh-ingress-mqtt-0']);
      expect(seatsOf(left)).toEqual(['mesh-ingress-mqtt-1']);
    },
    LONG_MS,
  );

  it(
    'has its session back from the one that took it, when it comes later',
    async () => {
      const there = await scene();
      const [killed, left] = [await replica(there), await replica(there)];
      await killed.end('SIGKILL');
      await left.printed('Took the session of a replica that is gone');
      await until(
        () => seatsOf(left),
        ({ length }) => length === 2,
      );
      const again = await replica(there);
      await left.printed('Another replica has taken the session');
      expect(await allCame(await fleetOf(there), there.worker, LONG_MS)).toEqual({ lost: [], twice: [] });
      expect(seatsOf(again)).toEqual(['mesh-ingress-mqtt-0']);
      expect(seatsOf(left)).toEqual(['mesh-ingress-mqtt-1', 'mesh-ingress-mqtt-0']);
    },
    LONG_MS,
  );
});

describe('a broker without shared subscriptions', () => {
  it('has one replica work, as without a group', async () => {
    const there = await world(['users/find'], { nats: { mqttPort: 0, open: true } });
    const service = ingressProcess(there.nats, there.nats.mqttUrl as string, { MESH_MQTT_SHARE: 'mesh' });
    await service.printed('no shared subscriptions');
    await service.printed(CONNECTED);
    await until(
      () => seatsOf(service),
      ({ length }) => length === 1,
    );
    expect(seatsOf(service)).toEqual(['mesh-ingress-mqtt']);
  });
});
