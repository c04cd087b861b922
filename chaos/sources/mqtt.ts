import { connectAsync, type MqttClient } from 'mqtt';
import { inTime } from '../in-time.ts';
import { PATH } from '../services.ts';
import { NotAcknowledged, type Source } from './source.ts';

const LIMIT_MS = 20_000;
const DEVICES = 6;

/** Devices that publish with QoS 1 or 2 and go on when the broker has acknowledged. */
export async function mqttSource(url: string, qos: 1 | 2): Promise<Source> {
  const devices = await Promise.all(
    Array.from({ length: DEVICES }, (_, n) => device(url, `device-${qos}-${n}`)),
  );
  return {
    name: `mqtt${qos}`,
    mix: { slow: 30, refuse: 10, flaky: 10, poison: 3 },
    lanes: 2 * DEVICES,
    ordered: false,
    send: async (event, lane) => {
      const client = devices[lane % DEVICES] as MqttClient;
      if (!client.connected) throw new NotAcknowledged('not connected to the broker');
      // The client sends again by itself, for ever; who waits for it does not.
      const published = client.publishAsync(PATH, JSON.stringify(event), { qos });
      await inTime(published, LIMIT_MS, () => new NotAcknowledged('no acknowledgement in time'));
      return 'accepted';
    },
    close: async () => {
      await Promise.all(devices.map((client) => client.endAsync(true)));
    },
  };
}

async function device(url: string, clientId: string): Promise<MqttClient> {
  const client = await connectAsync(url, { clientId, clean: false, reconnectPeriod: 200, keepalive: 10 });
  // It connects again by itself; without a listener the first failure would end the harness.
  client.on('error', () => undefined);
  return client;
}
