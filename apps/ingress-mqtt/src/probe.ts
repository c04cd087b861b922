import type { IConnackPacket, MqttClient } from 'mqtt';
import type { IngressMqttConfig } from './config.js';
import { codeOf, dial, type Features, featuresOf, VersionChoice } from './dial.js';

/** Asks the broker what it can, by connections that leave nothing there. */
export class Probe {
  readonly #choice: VersionChoice;

  constructor(private readonly config: IngressMqttConfig) {
    this.#choice = new VersionChoice(config.mqttVersion);
  }

  /** One attempt; `undefined` when the broker cannot be reached, or is to be asked in another version. */
  async ask(): Promise<Features | undefined> {
    const { version } = this.#choice;
    // The broker gives it a name. MQTT 3.1.1, clause 3.1.3.1.
    const client = dial(this.config, { clientId: '', clean: true, version });
    // Each error also ends the connection.
    client.on('error', () => undefined);
    const connack = await answerOf(client);
    await client.endAsync(true);
    if (!connack || codeOf(connack) !== 0) {
      if (connack) this.#choice.refused(codeOf(connack));
      return undefined;
    }
    return featuresOf(connack, version, this.config.mqttVersion === '3.1.1');
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
