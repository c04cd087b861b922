import { setMaxListeners } from 'node:events';
import { type ControlPath, mintMeshId } from '#contracts';
import { type Incoming, isSame } from './incoming.js';

/** A message of QoS 1 or 2 in hand. */
export interface Taken {
  readonly messageId: number;
  readonly message: Incoming;
  /** The mesh-id of each handler's event: the same when the message comes again, so that the stream knows it. */
  readonly ids: Map<ControlPath, string>;
}

/** What a connection left unfinished, for the next one of the same session at the broker. */
export interface Unfinished {
  readonly taken: ReadonlyMap<number, Taken>;
  /** QoS 2: acknowledged by PUBREC, but the broker has not released the packet id. */
  readonly received: ReadonlySet<number>;
}

export type Acknowledgement = 'puback' | 'pubrec';

export interface SessionParts {
  /** Writes an acknowledgement for a packet id. */
  readonly send: (kind: Acknowledgement, messageId: number) => void;
  /** Whether the broker keeps to a window of unacknowledged messages by itself (MQTT 5: receive maximum). */
  readonly isBounded: boolean;
  /** False while another replica may have the session by now. */
  readonly isOurs: () => boolean;
}

/**
 * One connection to the broker, from its CONNACK to its end.
 *
 * Invariants: an acknowledgement goes out on the connection that brought the message, for on the next one its packet
 * id may be another message's; a message of QoS 2 is taken once from its PUBLISH to its PUBREL (clause 4.3.3).
 */
export class Session {
  readonly #givenUp = new AbortController();
  readonly #ended = Promise.withResolvers<void>();
  readonly #inHand = new Map<number, Taken>();
  readonly #received: Set<number>;
  /** In hand when the last connection broke: they come again under the same packet id ([MQTT-4.4.0-1]). */
  readonly #before: Map<number, Taken>;
  #isOpen = true;

  /** @param unfinished of the connection before, when the broker resumes its session */
  constructor(
    private readonly parts: SessionParts,
    unfinished?: Unfinished,
  ) {
    this.#before = new Map(unfinished?.taken);
    this.#received = new Set(unfinished?.received);
    // Each held message waits for it.
    setMaxListeners(0, this.#givenUp.signal);
  }

  /** Aborts when held messages are not to be waited for: the connection has ended, or the service stops. */
  get givenUp(): AbortSignal {
    return this.#givenUp.signal;
  }

  /** Resolves when the connection has ended. */
  get ended(): Promise<void> {
    return this.#ended.promise;
  }

  get isBounded(): boolean {
    return this.parts.isBounded;
  }

  isOurs(): boolean {
    return this.parts.isOurs();
  }

  get unfinished(): Unfinished {
    // Also what came neither again nor anew since: the next connection may bring it.
    return { taken: new Map([...this.#before, ...this.#inHand]), received: this.#received };
  }

  /**
   * Takes a message of QoS 1 or 2 in hand; `undefined` when it is already. nats-server sends again what is not
   * acknowledged within its `ack_wait`, and the one acknowledgement to come is for both. What the client had still
   * buffered when the connection ended comes again on the next one, which does not know of it: it is not taken.
   */
  begin(message: Incoming): Taken | undefined {
    const { messageId = 0 } = message;
    if (!this.#isOpen || this.#inHand.has(messageId)) return undefined;
    if (message.qos === 2 && this.#received.has(messageId)) {
      this.parts.send('pubrec', messageId);
      return undefined;
    }
    const taken = { messageId, message, ids: this.#idsOf(message, messageId) };
    this.#inHand.set(messageId, taken);
    return taken;
  }

  /** Acknowledges, unless the connection has ended. */
  acknowledge({ messageId, message }: Taken): void {
    if (!this.#isOpen || !this.#inHand.delete(messageId)) return;
    if (message.qos === 2) this.#received.add(messageId);
    this.parts.send(message.qos === 2 ? 'pubrec' : 'puback', messageId);
  }

  /** PUBREL: the packet id is free for another message. */
  released(messageId: number): void {
    this.#received.delete(messageId);
  }

  /** What runs is still finished and acknowledged, what is held is left to the broker. */
  giveUp(): void {
    this.#givenUp.abort();
  }

  end(): void {
    this.#isOpen = false;
    this.#ended.resolve();
    this.giveUp();
  }

  /** Those of before only where it must be the same message: it was not acknowledged, and looks the same. */
  #idsOf(message: Incoming, messageId: number): Taken['ids'] {
    const before = this.#before.get(messageId);
    this.#before.delete(messageId);
    return message.dup && before && isSame(before.message, message) ? before.ids : new Map();
  }
}

/** The id of a handler's event of this message. */
export function meshIdOf({ ids }: Pick<Taken, 'ids'>, path: ControlPath): string {
  const known = ids.get(path);
  if (known !== undefined) return known;
  const minted = mintMeshId();
  ids.set(path, minted);
  return minted;
}
