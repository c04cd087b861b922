import type { Keep, Lease } from '#fabric';
import type { Complaints, Log } from '#lifecycle';
import { Broker } from './broker.js';
import type { Calls } from './calls.js';
import type { IngressMqttConfig } from './config.js';
import { Deliveries } from './deliveries.js';
import { FilterMemory } from './filter-memory.js';
import type { MqttMetrics } from './mqtt-metrics.js';
import { Subscriptions } from './subscriptions.js';
import type { TopicTable } from './topic-table.js';
import type { Works } from './works.js';

export interface SeatParts {
  readonly config: IngressMqttConfig;
  readonly table: TopicTable;
  /** The bucket of leases. */
  readonly keep: Keep;
  readonly works: Works;
  readonly calls: Calls;
  readonly metrics: MqttMetrics;
  readonly complaints: Complaints;
  readonly log: Log;
}

/** One session at the broker, for as long as this process has the lease on it. */
export class Seat {
  readonly broker: Broker;
  readonly subscriptions: Subscriptions;
  readonly deliveries: Deliveries;
  readonly #firstAttempt = Promise.withResolvers<void>();

  /** @param share group in which it shares its messages with other sessions */
  constructor(
    parts: SeatParts,
    readonly lease: Lease,
    readonly share: string | undefined,
  ) {
    const { config, table, log } = parts;
    this.broker = new Broker(config, this.#events(), log, lease);
    const plan = {
      wanted: () => table.subscriptions(),
      wantsRetained: (filter: string) => table.wantsRetained(filter),
      isIdle: () => this.deliveries.isQuiet,
      share,
    };
    const memory = new FilterMemory(parts.keep, lease.name);
    this.subscriptions = new Subscriptions(this.broker, plan, memory, log);
    this.deliveries = new Deliveries({
      ...parts,
      window: config.window,
      match: (topic) => table.match(topic),
      onNobody: (topic) => {
        if (!table.isSubscribed(topic)) this.subscriptions.forget(topic);
      },
    });
  }

  /** Resolves when all is subscribed, or the broker could not be reached for the first time: that is retried for ever. */
  async start(): Promise<void> {
    this.broker.open();
    await this.#firstAttempt.promise;
  }

  /** Takes no more, finishes and acknowledges what runs, then parts from the broker, which keeps the rest. */
  async stop(): Promise<void> {
    this.broker.giveUp();
    await Promise.all([this.deliveries.stop(), this.subscriptions.stop()]);
    await this.broker.close();
    await this.lease.release();
  }

  /** The lease is another's: nothing may be said to the broker any more. */
  async cut(): Promise<void> {
    await this.broker.cut();
    await Promise.all([this.deliveries.stop(), this.subscriptions.stop()]);
  }

  #events(): ConstructorParameters<typeof Broker>[1] {
    return {
      connected: (resumed) => {
        this.deliveries.connected();
        void this.subscriptions.reconnected(resumed).then(() => this.#firstAttempt.resolve());
      },
      lost: () => this.#firstAttempt.resolve(),
      message: (message, session) => this.deliveries.take(message, session),
    };
  }
}
