import type { Complaints } from '#lifecycle';
import { aboutMessage } from './about-message.js';
import type { Calls } from './calls.js';
import type { Incoming } from './incoming.js';
import type { MqttMetrics } from './mqtt-metrics.js';
import type { Session } from './session.js';
import type { Match } from './topic-table.js';
import type { Works } from './works.js';

export interface DeliveryParts {
  readonly works: Pick<Works, 'accept'>;
  readonly calls: Pick<Calls, 'run'>;
  readonly metrics: MqttMetrics;
  readonly complaints: Complaints;
  /** Messages in hand at once. */
  readonly window: number;
  readonly match: (topic: string) => readonly Match[];
  /** Called with a topic that no live handler wants. */
  readonly onNobody: (topic: string) => void;
}

const QUIET_MS = 1_000;

/**
 * The way of the messages of one session: event → work or call → acknowledged.
 *
 * Invariants: a message of QoS 1 or 2 is acknowledged only after the stream has it for each handler that wants it, and
 * on the connection that brought it; never more in hand than `window`, held ones included; one of QoS 0 is called once
 * and never held.
 */
export class Deliveries {
  readonly #inHand = new Map<Promise<void>, Session>();
  #isStopping = false;
  #lastNews = performance.now();
  #onRoom: (() => void)[] = [];

  constructor(private readonly parts: DeliveryParts) {}

  get inHand(): number {
    return this.#inHand.size;
  }

  /**
   * Whether the broker seems to have nothing more to give: nothing is in hand, and nothing has come for a while. With a
   * backlog it gives the next ones shortly after the last are acknowledged.
   */
  get isQuiet(): boolean {
    return this.#inHand.size === 0 && performance.now() - this.#lastNews > QUIET_MS;
  }

  /** A connection begins: what the broker kept comes now. */
  connected(): void {
    this.#lastNews = performance.now();
  }

  /** Begins with a message. A promise: nothing more is to be read until it resolves. */
  take(message: Incoming, session: Session): Promise<void> | undefined {
    if (this.#isStopping) return undefined;
    this.#lastNews = performance.now();
    const work = message.qos === 0 ? this.#call(message) : this.#accept(message, session);
    if (!work) return undefined;
    const ended = work.then(() => {
      this.#inHand.delete(ended);
      for (const resolve of this.#onRoom.splice(0)) resolve();
    });
    this.#inHand.set(ended, session);
    // The broker that knows the window counts what is not acknowledged, and sends no more than that by itself.
    if (this.#inHand.size < this.parts.window || (message.qos > 0 && session.isBounded)) return undefined;
    return new Promise((resolve) => this.#onRoom.push(resolve));
  }

  /**
   * Begins with nothing more; resolves when all that can still be acknowledged has ended. What came on a connection
   * that has ended comes again anyway, whatever becomes of it here.
   */
  async stop(): Promise<void> {
    this.#isStopping = true;
    await Promise.all([...this.#inHand].map(([work, session]) => Promise.race([work, session.ended])));
  }

  /** Never rejects. */
  async #call(message: Incoming): Promise<void> {
    await Promise.all(this.#wanted(message).map((match) => this.parts.calls.run(match, message)));
  }

  /** `undefined` when it is in hand already. The promise never rejects. */
  #accept(message: Incoming, session: Session): Promise<void> | undefined {
    const taken = session.begin(message);
    if (!taken) return undefined;
    const accepting = this.#wanted(message).map((match) => this.parts.works.accept(match, taken, session));
    return Promise.all(accepting).then((settlements) => {
      if (settlements.every((settlement) => settlement === 'acknowledge')) session.acknowledge(taken);
    });
  }

  /** Who is to run; what the broker retained is only for those who ask for it. */
  #wanted(message: Incoming): readonly Match[] {
    const matches = this.parts.match(message.topic);
    if (matches.length === 0) this.#nobody(message);
    return message.retain ? matches.filter(({ retained }) => retained) : matches;
  }

  #nobody(message: Incoming): void {
    this.parts.metrics.call('', 'no-route');
    const text = 'No live handler wants the topic of a message; it is dropped.';
    this.parts.complaints.warn('no-route', text, aboutMessage(message));
    this.parts.onNobody(message.topic);
  }
}
