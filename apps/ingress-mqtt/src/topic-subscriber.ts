import type { IClientPublishOptions } from 'mqtt';
import {
  createResultIntake,
  createWorkPublisher,
  type Keep,
  type Leases,
  type MeshLink,
  type ResultIntake,
} from '#fabric';
import { Complaints, type Log } from '#lifecycle';
import { Answers } from './answers.js';
import { Calls } from './calls.js';
import type { IngressMqttConfig } from './config.js';
import type { MqttMetrics } from './mqtt-metrics.js';
import { Probe } from './probe.js';
import type { ReplyTokens } from './reply-tokens.js';
import { Seat } from './seat.js';
import { Seats } from './seats.js';
import { TopicTable } from './topic-table.js';
import { Works } from './works.js';

export interface SubscriberParts {
  readonly config: IngressMqttConfig;
  readonly link: MeshLink;
  readonly leases: Leases;
  /** The bucket of leases. */
  readonly keep: Keep;
  readonly tokens: ReplyTokens;
  readonly metrics: MqttMetrics;
  readonly log: Log;
}

/**
 * The topics of the live routes, subscribed, and what comes on them.
 *
 *   topic-table     route ⇄ topics and filters; the only place where a topic finds its handler
 *   seats, seat     which sessions at the broker this replica has; one of them
 *   subscriptions   what is subscribed in a session, kept equal to the table
 *   broker          the way to the broker: one connection after the other
 *   connection, session  one of them; its packet ids and acknowledgements
 *   deliveries      message → works (QoS 1, 2) or calls (QoS 0) → acknowledgement
 *   answers         result → response topic
 *
 * Invariant: the routes are known before the first connect, or what the broker kept would find no handler.
 */
export class TopicSubscriber {
  readonly #table: TopicTable;
  readonly #seats: Seats;
  readonly #works: Works;
  readonly #intake: ResultIntake;
  #share: { readonly group: string | undefined } | undefined;

  constructor(private readonly parts: SubscriberParts) {
    const { config, link, metrics, log, leases, keep, tokens } = parts;
    const complaints = new Complaints(log);
    const { connection } = link;
    this.#table = new TopicTable(config.mostFilters);
    this.#intake = createResultIntake(connection, config.clientId, (result) => void answers.take(result));
    const answers = new Answers({
      pattern: config.replyTopic,
      tokens,
      intake: this.#intake,
      isSubscribed: (topic) => this.#table.isSubscribed(topic),
      publish: (...message) => this.#publish(...message),
      metrics,
      complaints,
    });
    const shared = { link, answers, metrics, complaints };
    this.#works = new Works({ ...shared, publisher: createWorkPublisher(connection) });
    const calls = new Calls(shared);
    const seat = { config, table: this.#table, keep, works: this.#works, calls, metrics, complaints, log };
    const probe = new Probe(config);
    this.#seats = new Seats({
      leases,
      clientId: config.clientId,
      share: () => this.#shareOf(probe),
      open: (lease, share) => new Seat(seat, lease, share),
      log,
    });
  }

  get connected(): boolean {
    return this.#seats.all.some(({ broker }) => broker.connected);
  }
  /** Another replica has the session, and this one takes it over when that one is gone. */
  get isStandby(): boolean {
    return this.#seats.isStandby;
  }
  /** Connected, with every topic of the live routes subscribed. */
  get subscribedToAll(): boolean {
    return this.connected && this.#seats.all.every(({ subscriptions }) => subscriptions.complete);
  }
  get subscribed(): number {
    return this.#sum(({ subscriptions }) => subscriptions.size);
  }
  get inHand(): number {
    return this.#sum(({ deliveries }) => deliveries.inHand);
  }
  get held(): number {
    return this.#works.held;
  }

  /**
   * Resolves when all is subscribed, or this replica stands by, or the broker could not be reached for the first time:
   * that is retried for ever.
   */
  async start(): Promise<void> {
    const { routes } = this.parts.link;
    routes.onChange((path, route) => {
      this.#learn(path, route);
      for (const { subscriptions } of this.#seats.all) void subscriptions.sync();
    });
    for (const route of routes.all()) this.#learn(route.path, route);
    this.#intake.start();
    await this.#seats.start();
  }

  /** Takes no more, finishes and acknowledges what runs, then parts from the broker, which keeps the rest. */
  async stop(): Promise<void> {
    await this.#intake.stop();
    await this.#seats.stop();
  }

  #learn(...change: Parameters<TopicTable['update']>): void {
    for (const { filter, fault } of this.#table.update(...change))
      this.parts.log.error(`The MQTT trigger of ${change[0]} is not subscribed: ${fault}.`, { filter });
  }

  async #publish(topic: string, payload: Buffer, options: IClientPublishOptions): Promise<void> {
    const seat = this.#seats.all.find(({ broker }) => broker.connected);
    if (!seat) throw new Error('not connected to the broker');
    await seat.broker.publish(topic, payload, options);
  }

  /** Whether messages are shared: as the broker says, asked once. */
  async #shareOf(probe: Probe): Promise<{ readonly group: string | undefined } | undefined> {
    const { share } = this.parts.config;
    if (share === undefined) return { group: undefined };
    if (this.#share) return this.#share;
    const isThere = await probe.ask();
    if (isThere !== undefined) this.#share = { group: isThere ? share : undefined };
    if (isThere === false)
      this.parts.log.warn('The MQTT broker has no shared subscriptions: one replica works, others stand by.');
    return this.#share;
  }

  #sum(count: (seat: Seat) => number): number {
    return this.#seats.all.reduce((sum, seat) => sum + count(seat), 0);
  }
}
