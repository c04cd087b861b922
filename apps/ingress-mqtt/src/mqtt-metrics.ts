import { Counter, Gauge, type Registry } from 'prom-client';
import type { ErrorCode, OutcomeCode } from '#contracts';

/** The subscriber, as far as metrics look at it. */
export interface WatchedSubscriber {
  readonly inHand: number;
  readonly held: number;
  readonly connected: boolean;
  readonly isStandby: boolean;
  /** Filters that the broker granted. */
  readonly subscribed: number;
}

/** What `/metrics` tells of messages and the broker. A path is a live handler's, or empty where there is none. */
export class MqttMetrics {
  readonly #calls: Counter<'path' | 'outcome'>;
  readonly #work: Counter<'path' | 'outcome'>;
  readonly #answers: Counter<'fate'>;

  constructor(private readonly registry: Registry) {
    const labelNames = ['path', 'outcome'] as const;
    this.#calls = new Counter({
      name: 'mesh_mqtt_calls_total',
      help: 'Calls made for messages of QoS 0, by how they ended; `no-route` for messages that no handler wants.',
      labelNames,
      registers: [registry],
    });
    this.#work = new Counter({
      name: 'mesh_mqtt_work_total',
      help: 'Attempts to put a message of QoS 1 or 2 into the stream of work; one that is held makes several.',
      labelNames,
      registers: [registry],
    });
    this.#answers = new Counter({
      name: 'mesh_mqtt_answers_total',
      help: 'Answers to messages that asked for one.',
      labelNames: ['fate'],
      registers: [registry],
    });
  }

  call(path: string, outcome: OutcomeCode): void {
    this.#calls.inc({ path, outcome });
  }

  work(path: string, outcome: 'accepted' | ErrorCode): void {
    this.#work.inc({ path, outcome });
  }

  answer(fate: 'sent' | 'dropped'): void {
    this.#answers.inc({ fate });
  }

  /** Read from the subscriber when asked. */
  watch(subscriber: WatchedSubscriber): void {
    const flag = (holds: boolean) => (holds ? 1 : 0);
    this.#gauge('mesh_mqtt_in_hand', 'Messages that run or are held.', () => subscriber.inHand);
    this.#gauge(
      'mesh_mqtt_held',
      'Messages kept because the mesh cannot take them now.',
      () => subscriber.held,
    );
    this.#gauge('mesh_mqtt_connected', '1 while there is a connection to the broker.', () =>
      flag(subscriber.connected),
    );
    this.#gauge('mesh_mqtt_standby', '1 while another replica has the session at the broker.', () =>
      flag(subscriber.isStandby),
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
