import { setTimeout as delay } from 'node:timers/promises';
import type { Log } from '#lifecycle';
import type { Broker } from './broker.js';
import type { FilterMemory } from './filter-memory.js';
import { overlap } from './topic-filter.js';

/** Filters in one SUBSCRIBE or UNSUBSCRIBE. */
const MOST_AT_ONCE = 100;
/** How long before what the broker refused is asked for again, ms. */
const REFUSED_WAIT_MS = 30_000;

/** How long before it is looked again whether the broker has nothing more to give, ms. */
const NOT_IDLE_WAIT_MS = 50;

/** What is to be subscribed. */
export interface Plan {
  readonly wanted: () => ReadonlySet<string>;
  /** Whether a handler wants what the broker retained on topics of that filter. */
  readonly wantsRetained: (filter: string) => boolean;
  /** Whether the broker has nothing more to give at this moment, as far as is to be seen. */
  readonly isIdle: () => boolean;
  /** With it each message goes to one of the sessions that have it, and to all without (clause 4.8.2 of MQTT 5). */
  readonly share: string | undefined;
}

/**
 * Keeps what is subscribed at the broker equal to what is wanted.
 *
 * Invariants: one exchange with the broker at a time; what is new is subscribed before what is old is given up, so
 * that nothing is missed when one filter takes the place of another; and what is old stays until the broker has given
 * what it kept for it, since nats-server drops that with the subscription. Meanwhile a message may come by both.
 */
export class Subscriptions {
  readonly #granted = new Set<string>();
  readonly #refused = new Set<string>();
  #working: Promise<void> | undefined;
  #onAsked: (() => void)[] = [];
  #isStopped = false;
  #isRecalled = false;
  readonly #retry: NodeJS.Timeout;

  constructor(
    private readonly broker: Pick<Broker, 'connected' | 'subscribe' | 'unsubscribe'>,
    private readonly plan: Plan,
    private readonly memory: Pick<FilterMemory, 'recall' | 'remember'>,
    private readonly log: Pick<Log, 'error' | 'warn'>,
  ) {
    this.#retry = setInterval(() => this.#askAgain(), REFUSED_WAIT_MS);
    this.#retry.unref();
  }

  get size(): number {
    return this.#granted.size;
  }

  /** Whether all that is wanted is subscribed. */
  get complete(): boolean {
    return [...this.plan.wanted()].every((filter) => this.#granted.has(filter));
  }

  /**
   * After each connect. Resolves when all that is wanted was asked for, or the connection has ended; what is to be given
   * up may take longer.
   * @param resumed what was granted before still is
   */
  async reconnected(resumed: boolean): Promise<void> {
    if (!resumed) this.#granted.clear();
    if (!this.#isRecalled) await this.#recall(resumed);
    this.#refused.clear();
    const asked = new Promise<void>((resolve) => this.#onAsked.push(resolve));
    await Promise.race([this.sync(), asked]);
  }

  /** A topic that nobody wants came: the broker keeps a subscription from an earlier life of this service. */
  forget(topic: string): void {
    this.#granted.add(topic);
    void this.sync();
  }

  /** Resolves when nothing is left to be done, or the connection has ended. */
  async sync(): Promise<void> {
    this.#working ??= this.#work().finally(() => {
      this.#working = undefined;
    });
    await this.#working;
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    clearInterval(this.#retry);
    await this.#working;
  }

  /** What an earlier life subscribed and nobody wants any more is to be given up; what is wanted is asked for anew. */
  async #recall(resumed: boolean): Promise<void> {
    try {
      const remembered = resumed ? await this.memory.recall() : [];
      const wanted = this.plan.wanted();
      for (const filter of remembered) if (!wanted.has(filter)) this.#granted.add(filter);
      this.#isRecalled = true;
    } catch {
      // NATS is away; at the next connection then.
    }
  }

  async #work(): Promise<void> {
    try {
      // The table is read again each time: it may have changed while the broker was asked.
      while (this.broker.connected && !this.#isStopped && (await this.#step()));
    } catch {
      // The connection has ended. The next one goes on here.
    }
  }

  /** One exchange with the broker. False when there was nothing to say. */
  async #step(): Promise<boolean> {
    const wanted = this.plan.wanted();
    const missing = [...wanted].filter((filter) => !this.#granted.has(filter) && !this.#refused.has(filter));
    if (missing.length > 0) {
      const retained = this.plan.wantsRetained(missing[0] as string);
      const alike = missing.filter((filter) => this.plan.wantsRetained(filter) === retained);
      await this.#subscribe(alike.slice(0, MOST_AT_ONCE), retained);
      return true;
    }
    for (const resolve of this.#onAsked.splice(0)) resolve();
    const unwanted = [...this.#granted].filter((filter) => !wanted.has(filter));
    if (unwanted.length === 0) return false;
    const ripe = this.plan.isIdle() ? unwanted : unwanted.filter((filter) => !isCovered(filter, wanted));
    if (ripe.length > 0) await this.#unsubscribe(ripe.slice(0, MOST_AT_ONCE));
    else await delay(NOT_IDLE_WAIT_MS);
    return true;
  }

  async #unsubscribe(filters: readonly string[]): Promise<void> {
    await this.broker.unsubscribe(filters.map((filter) => this.#nameOf(filter)));
    for (const filter of filters) this.#granted.delete(filter);
  }

  async #subscribe(filters: readonly string[], retained: boolean): Promise<void> {
    const names = filters.map((filter) => this.#nameOf(filter));
    if (retained && this.plan.share !== undefined)
      this.log.warn(
        'A shared subscription brings nothing that the broker retained, though triggers ask for it.',
        {
          count: filters.length,
          first: filters.slice(0, 5),
        },
      );
    // Before, so that it is never less than what the broker has.
    await this.memory.remember([...this.#granted, ...filters]);
    const granted = await this.broker.subscribe(names, { retained });
    for (const [index, filter] of filters.entries()) {
      if (granted[index]) this.#granted.add(filter);
      else this.#refused.add(filter);
    }
    const refused = filters.filter((_, index) => !granted[index]);
    if (refused.length > 0)
      this.log.error('The MQTT broker refuses subscriptions; they are asked for again. Remedy: allow them.', {
        count: refused.length,
        first: refused.slice(0, 5),
      });
  }

  #nameOf(filter: string): string {
    return this.plan.share === undefined ? filter : `$share/${this.plan.share}/${filter}`;
  }

  #askAgain(): void {
    if (this.#refused.size === 0) return;
    this.#refused.clear();
    void this.sync();
  }
}

/** Whether some of what comes by a filter is wanted by way of another one. */
const isCovered = (filter: string, wanted: ReadonlySet<string>): boolean =>
  [...wanted].some((other) => overlap(filter, other));
