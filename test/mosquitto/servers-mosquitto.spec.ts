import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from '@jest/globals';
import mqtt, { type MqttClient } from 'mqtt';
import { type MosquittoOptions, type MosquittoServer, startMosquitto } from '#servers';

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

async function mosquitto(options?: MosquittoOptions): Promise<MosquittoServer> {
  const server = await startMosquitto(options);
  closers.push(() => server.stop());
  return server;
}

async function client({ url }: MosquittoServer): Promise<MqttClient> {
  const connected = await mqtt.connectAsync(url, { protocolVersion: 5, reconnectPeriod: 0 }, false);
  closers.push(() => connected.endAsync(true));
  return connected;
}

const nextMessage = (from: MqttClient): Promise<string> =>
  new Promise((resolve) => from.once('message', (_, body) => resolve(String(body))));

describe('Mosquitto', () => {
  it('carries MQTT 5 messages to a shared subscription', async () => {
    const server = await mosquitto();
    const [sender, receiver] = [await client(server), await client(server)];
    await receiver.subscribeAsync('$share/mesh/users/find', { qos: 1 });
    const arrived = nextMessage(receiver);
    await sender.publishAsync('users/find', 'hello', { qos: 1 });
    expect(await arrived).toBe('hello');
  });

  it('keeps retained messages over a stop', async () => {
    const dataDir = mkdtempSync(join(tmpdir(), 'mesh-test-'));
    closers.push(() => rmSync(dataDir, { recursive: true, force: true }));
    const first = await mosquitto({ dataDir });
    await (await client(first)).publishAsync('state', 'on', { qos: 1, retain: true });
    await first.stop();
    const receiver = await client(await mosquitto({ dataDir }));
    const arrived = nextMessage(receiver);
    await receiver.subscribeAsync('state');
    expect(await arrived).toBe('on');
  });

  it('takes configuration of its own', async () => {
    const server = await mosquitto({ config: ['allow_anonymous false'] });
    await expect(client(server)).rejects.toThrow('Not authorized');
  });

  it('shows what it says when it cannot start', async () => {
    await expect(mosquitto({ config: ['no_such_setting 1'] })).rejects.toThrow('no_such_setting');
  });

  it('names the port that is taken and the variable to change', async () => {
    const { port } = await mosquitto();
    await expect(startMosquitto({ port, portVariable: 'MESH_MQTT_PORT' })).rejects.toThrow(
      `Port ${port} on 127.0.0.1, wanted for mosquitto, is already taken. Remedy: set MESH_MQTT_PORT`,
    );
  });
});
