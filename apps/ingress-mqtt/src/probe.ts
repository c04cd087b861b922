import type { IConnackPacket, MqttClient } from 'mqtt';
import type { IngressMqttConfig } from './config.js';
import { codeOf, dial, hasShares, VersionChoice } from './dial.js';

/** Asks the broker whether it has shared subscriptions, by connections that leave nothing there. */
export class Probe {
  readonly #choice: VersionChoice;

  constructor(private readonly config: IngressMqttConfig) {
    this.#choice = new VersionChoice(config.mqttVersion);
  }

  /** `undefined` when the broker cannot be reached. */
  async ask(): Promise<boolean | undefined> {
    const { version } = this.#choice;
    // The broker gives it a name. MQTT 3.1.1, clause 3.1.3.1.
    const client = dial(this.config, { clientId: '', clean: true, version });
    // Each error also ends the connection.
    client.on('error', () => undefined);
    const connack = await answerOf(client);
    await client.endAsync(true);
    const code = connack && codeOf(connack);
    if (code !== 0 && this.#choice.refused(code)) return this.ask();
    if (!connack || code !== 0) return undefined;
    return hasShares(connack, version, this.config.mqttVersion === '3.1.1');
  }
}

/** The CONNACK; `undefined` when the connection ends without one. */
function answerOf(client: MqttClient): Promise<IConnackPacket | undefined> {
  return new Promise((resolve) => {
    client.on('packetreceive', (packet) => {
      if (packet.cmd === 'connack') resolve(packet);
    });
    client.once('close', () => resolve(undefined));
  });
}
