import { asMeshError, type ControlPath, type EventEnvelope, MeshError, type OutcomeCode } from '#contracts';
import type { MeshLink } from '#fabric';
import type { Complaints } from '#lifecycle';
import { Backoff } from '#lifecycle';
import type { Incoming } from './broker.js';
import { fromResult, type Settlement } from './from-result.js';
import type { MqttMetrics } from './mqtt-metrics.js';
import type { Session } from './session.js';
import { toEvent } from './to-event.js';

/** How long a held message waits before it is tried again, ms. */
const FIRST_WAIT_MS = 200;
const MOST_WAIT_MS = 2_000;
/** A topic may have 65,535 bytes; a line of a log should not. */
const MOST_OF_A_TOPIC = 200;

export interface DeliveryParts {
  readonly link: Pick<MeshLink, 'invoker' | 'routes' | 'untilConnected'>;
  readonly metrics: MqttMetrics;
  readonly complaints: Complaints;
  /** Messages in hand at once. */
  readonly window: number;
  readonly match: (topic: string) => ControlPath[];
  /** Called with a topic that no live handler wants. */
  readonly onNobody: (topic: string) => void;
}

/** A message and one of the handlers that want it. */
interface Call {
  readonly path: ControlPath;
  readonly message: Incoming;
  /** The same for each attempt. */
  event?: EventEnvelope;
}

/** How one attempt ended. */
interface Ending {
  readonly outcome: OutcomeCode;
  /** Nothing came back in time. */
  readonly isLost: boolean;
  readonly fault?: MeshError;
}

/**
 * The way of the messages: event → call → acknowledged.
 *
 * Invariants: a message of QoS 1 is acknowledged only after each handler that wants it has ended, and on the
 * connection that brought it; never more in hand than `window`, held ones included; one of QoS 0 is called once and
 * never held.
 */
export class Deliveries {
  readonly #inHand = new Map<Promise<void>, Session>();
  #held = 0;
  #isStopping = false;
  #onRoom: (() => void)[] = [];

  constructor(private readonly parts: DeliveryParts) {}

  get inHand(): number {
    return this.#inHand.size;
  }
  get held(): number {
    return this.#held;
  }

  /** Begins with a message. A promise: nothing more is to be read until it resolves. */
  take(message: Incoming, session: Session): Promise<void> | undefined {
    if (this.#isStopping || !isNew(message, session)) return undefined;
    const work = this.#deliver(message, session).then(() => {
      this.#inHand.delete(work);
      for (const resolve of this.#onRoom.splice(0)) resolve();
    });
    this.#inHand.set(work, session);
    if (this.#inHand.size < this.parts.window) return undefined;
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
  async #deliver(message: Incoming, session: Session): Promise<void> {
    const paths = this.parts.match(message.topic);
    if (paths.length === 0) this.#nobody(message);
    const settlements = await Promise.all(paths.map((path) => this.#call({ path, message }, session)));
    if (message.messageId !== undefined && settlements.every((settlement) => settlement === 'puback'))
      session.acknowledge(message.messageId);
  }

  #nobody(message: Incoming): void {
    this.parts.metrics.count('', 'no-route');
    this.#complain('no-route', 'No live handler wants the topic of a message; it is dropped.', message, {});
    this.parts.onNobody(message.topic);
  }

  /** Calls one handler until that is settled; `withhold` when it is left to the broker instead. */
  async #call(call: Call, session: Session): Promise<Settlement> {
    const backoff = new Backoff(FIRST_WAIT_MS, MOST_WAIT_MS);
    let lost = 0;
    for (;;) {
      const ending = await this.#attempt(call);
      if (ending.isLost) lost++;
      const settlement = fromResult(ending.outcome, ending.isLost ? lost : 0);
      this.parts.metrics.count(call.path, ending.outcome);
      if (ending.outcome !== 'ok') this.#explain(settlement, ending, call);
      if (settlement === 'puback' || call.message.qos === 0) return 'puback';
      if (!(await this.#hold(session.givenUp, backoff))) return 'withhold';
    }
  }

  /** One call. Never rejects: whatever goes wrong has a code. */
  async #attempt(call: Call): Promise<Ending> {
    const { routes, invoker } = this.parts.link;
    try {
      // Each time anew: the route may have gone while the message was held.
      const route = routes.get(call.path);
      if (!route) throw new MeshError('no-route', call.path);
      call.event ??= toEvent(call.message, route);
      const { result } = await invoker.invoke(call.path, call.event, call.message.payload);
      return { outcome: result.outcome, isLost: false };
    } catch (error) {
      const fault = asMeshError(error);
      return { outcome: fault.code, isLost: fault.code === 'deadline-exceeded', fault };
    }
  }

  /** Waits until it is worth trying again; `false` when the connection or the service ends instead. */
  async #hold(givenUp: AbortSignal, backoff: Backoff): Promise<boolean> {
    this.#held++;
    try {
      await this.parts.link.untilConnected(givenUp);
      return await backoff.wait(givenUp);
    } finally {
      this.#held--;
    }
  }

  #explain(settlement: Settlement, { outcome, fault }: Ending, { path, message }: Call): void {
    const isHeld = settlement === 'withhold' && message.qos > 0;
    const text = isHeld
      ? 'A message is held: the mesh cannot take it now.'
      : 'A message did not end well; it is not tried again.';
    const detail = fault ? { detail: fault.message } : {};
    this.#complain(`${outcome} ${settlement}`, text, message, { path, reason: outcome, ...detail });
  }

  #complain(kind: string, text: string, { topic, qos }: Incoming, more: object): void {
    this.parts.complaints.warn(kind, text, { topic: topic.slice(0, MOST_OF_A_TOPIC), qos, ...more });
  }
}

function isNew({ messageId }: Incoming, session: Session): boolean {
  return messageId === undefined || session.begin(messageId);
}
