import type { IngressMqttConfig } from './config.js';
import { Connection } from './connection.js';
import { dial, hasShares, type MqttVersion, VersionChoice } from './dial.js';

/** Asks the broker whether it has shared subscriptions, by connections that leave nothing there. */
export class Probe {
  readonly #choice: VersionChoice;

  constructor(private readonly config: IngressMqttConfig) {
    this.#choice = new VersionChoice(config.mqttVersion);
  }

  /** `undefined` when the broker cannot be reached. */
  async ask(): Promise<boolean | undefined> {
    const { version } = this.#choice;
    const { connack, session, refusal } = await this.#visit(version);
    if (connack && session) return hasShares(connack, version, this.config.mqttVersion === '3.1.1');
    return refusal !== 'none' && this.#choice.refused(refusal) ? this.ask() : undefined;
  }

  async #visit(version: MqttVersion): Promise<Connection> {
    const accepted = Promise.withResolvers<void>();
    // The broker gives it a name. MQTT 3.1.1, clause 3.1.3.1.
    const client = dial(this.config, { clientId: '', clean: true, version });
    const connection = new Connection(client, {
      version,
      unfinished: undefined,
      isOurs: () => true,
      onConnected: () => accepted.resolve(),
      onMessage: () => undefined,
    });
    await Promise.race([accepted.promise, connection.ended]);
    await connection.close();
    return connection;
  }
}
