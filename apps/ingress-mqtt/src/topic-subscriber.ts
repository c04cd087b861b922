import type { MeshLink } from '#fabric';
import type { Log } from '#lifecycle';
import { Complaints } from '#lifecycle';
import { Broker, type Incoming } from './broker.js';
import type { IngressMqttConfig } from './config.js';
import { Deliveries } from './deliveries.js';
import type { MqttMetrics } from './mqtt-metrics.js';
import type { Session } from './session.js';
import { Subscriptions } from './subscriptions.js';
import { TopicTable } from './topic-table.js';

/**
 * The topics of the live routes, subscribed, and what comes on them.
 *
 *   topic-table     route ⇄ topics and filters; the only place where a topic finds its handler
 *   subscriptions   what is subscribed, kept equal to the table
 *   broker, session the connection, and one life of it: packet ids, acknowledgements
 *   deliveries      message → call → acknowledgement
 *
 * Invariant: the routes are known before the first connect, or what the broker kept would find no handler.
 */
export class TopicSubscriber {
  readonly #table = new TopicTable();
  readonly #broker: Broker;
  readonly #subscriptions: Subscriptions;
  readonly #deliveries: Deliveries;
  readonly #firstAttempt = Promise.withResolvers<void>();

  constructor(
    config: IngressMqttConfig,
    private readonly link: MeshLink,
    metrics: MqttMetrics,
    private readonly log: Log,
  ) {
    this.#broker = new Broker(config, this.#events(), log);
    this.#subscriptions = new Subscriptions(this.#broker, () => this.#table.subscriptions(), log);
    this.#deliveries = new Deliveries({
      link,
      metrics,
      complaints: new Complaints(log),
      window: config.window,
      match: (topic) => this.#table.match(topic),
      onNobody: (topic) => this.#subscriptions.forget(topic),
    });
  }

  get connected(): boolean {
    return this.#broker.connected;
  }
  /** Connected, with every topic of the live routes subscribed. */
  get subscribedToAll(): boolean {
    return this.connected && this.#subscriptions.complete;
  }
  get subscribed(): number {
    return this.#subscriptions.size;
  }
  get inHand(): number {
    return this.#deliveries.inHand;
  }
  get held(): number {
    return this.#deliveries.held;
  }

  /** Resolves when all is subscribed, or the broker could not be reached for the first time: that is retried for ever. */
  async start(): Promise<void> {
    this.link.routes.onChange((path, route) => {
      this.#learn(path, route);
      void this.#subscriptions.sync();
    });
    for (const route of this.link.routes.all()) this.#learn(route.path, route);
    this.#broker.open();
    await this.#firstAttempt.promise;
  }

  /** Takes no more, finishes and acknowledges what runs, then parts from the broker, which keeps the rest. */
  async stop(): Promise<void> {
    this.#broker.giveUp();
    await Promise.all([this.#deliveries.stop(), this.#subscriptions.stop()]);
    await this.#broker.close();
  }

  #learn(...change: Parameters<TopicTable['update']>): void {
    for (const { filter, fault } of this.#table.update(...change))
      this.log.error(`The MQTT trigger of ${change[0]} is not subscribed: ${fault}.`, { filter });
  }

  #events(): ConstructorParameters<typeof Broker>[1] {
    return {
      connected: (resumed) =>
        void this.#subscriptions.reconnected(resumed).then(() => this.#firstAttempt.resolve()),
      lost: () => this.#firstAttempt.resolve(),
      message: (message: Incoming, session: Session) => this.#deliveries.take(message, session),
    };
  }
}
