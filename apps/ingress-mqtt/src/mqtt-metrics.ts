import { Counter, Gauge, type Registry } from 'prom-client';
import type { OutcomeCode } from '#contracts';

/** The subscriber, as far as metrics look at it. */
export interface WatchedSubscriber {
  readonly inHand: number;
  readonly held: number;
  readonly connected: boolean;
  /** Filters that the broker granted. */
  readonly subscribed: number;
}

/** What `/metrics` tells of messages and the broker. A path is a live handler's, or empty where there is none. */
export class MqttMetrics {
  readonly #endings: Counter<'path' | 'outcome'>;

  constructor(private readonly registry: Registry) {
    this.#endings = new Counter({
      name: 'mesh_mqtt_calls_total',
      help: 'Calls made for messages, by how they ended; a message that is held makes several.',
      labelNames: ['path', 'outcome'],
      registers: [registry],
    });
  }

  count(path: string, outcome: OutcomeCode): void {
    this.#endings.inc({ path, outcome });
  }

  /** Read from the subscriber when asked. */
  watch(subscriber: WatchedSubscriber): void {
    this.#gauge('mesh_mqtt_in_hand', 'Messages that run or are held.', () => subscriber.inHand);
    this.#gauge(
      'mesh_mqtt_held',
      'Messages kept because the mesh cannot take them now.',
      () => subscriber.held,
    );
    this.#gauge('mesh_mqtt_connected', '1 while there is a connection to the broker.', () =>
      subscriber.connected ? 1 : 0,
    );
    this.#gauge('mesh_mqtt_subscriptions', 'Filters that the broker granted.', () => subscriber.subscribed);
  }

  #gauge(name: string, help: string, read: () => number): void {
    new Gauge({
      name,
      help,
      registers: [this.registry],
      collect() {
        this.set(read());
      },
    });
  }
}
