import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import mqtt, { type MqttClient } from 'mqtt';
import { freePort } from '../../libs/servers/src/port.js';

// The container's configuration and start script, with this machine's Mosquitto and a folder in place of /mosquitto.
let folder: string;
let url: string;
let stop: () => Promise<unknown>;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'mesh-mosquitto-'));
  chmodSync(folder, 0o777);
  const port = await freePort();
  url = `mqtt://127.0.0.1:${port}`;
  const config = readFileSync('docker/mosquitto.conf', 'utf8')
    .replace('listener 1883', `listener ${port} 127.0.0.1`)
    .replaceAll('/mosquitto/data', folder)
    .replaceAll('/mosquitto/config', join(process.cwd(), 'docker'));
  writeFileSync(join(folder, 'mosquitto.conf'), config);
  const env = {
    PATH: '/usr/sbin:/usr/bin:/sbin:/bin',
    MESH_MQTT_PASSWORD_FILE: join(folder, 'passwords'),
    MESH_MQTT_BRIDGE_PASSWORD: 'for the bridge',
    MESH_MQTT_DEVICE_PASSWORD: 'for devices',
  };
  const child = spawn('sh', ['docker/mosquitto.sh', join(folder, 'mosquitto.conf')], { env });
  stop = () => {
    child.kill('SIGTERM');
    return once(child, 'exit');
  };
  let said = '';
  for await (const line of createInterface({ input: child.stderr })) {
    said += `${line}\n`;
    if (/mosquitto version .* running/.test(line)) return;
  }
  throw new Error(said);
});
afterAll(async () => {
  await stop();
  rmSync(folder, { recursive: true, force: true });
});

const login = (username: string, password: string): Promise<MqttClient> =>
  mqtt.connectAsync(url, { protocolVersion: 5, reconnectPeriod: 0, username, password }, false);

describe('docker/mosquitto.conf', () => {
  it('lets the bridge hear devices through a shared subscription', async () => {
    const [bridge, device] = [await login('bridge', 'for the bridge'), await login('device', 'for devices')];
    await bridge.subscribeAsync('$share/mesh/#', { qos: 1 });
    const arrived = once(bridge as never, 'message');
    await device.publishAsync('users/find', 'hello', { qos: 1 });
    expect(String((await arrived)[1])).toBe('hello');
    await Promise.all([bridge.endAsync(), device.endAsync()]);
  });

  it('refuses a wrong password, and none', async () => {
    await expect(login('bridge', 'for devices')).rejects.toThrow('Not authorized');
    await expect(mqtt.connectAsync(url, { protocolVersion: 5, reconnectPeriod: 0 }, false)).rejects.toThrow(
      'Not authorized',
    );
  });
});
