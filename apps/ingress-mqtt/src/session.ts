import { setMaxListeners } from 'node:events';

/**
 * One connection to the broker, from its CONNACK to its end. A packet id means nothing beyond it: what was not
 * acknowledged by then comes again, under whatever id.
 */
export class Session {
  readonly #givenUp = new AbortController();
  readonly #ended = Promise.withResolvers<void>();
  readonly #inHand = new Set<number>();
  #isOpen = true;

  /** @param send writes the PUBACK for a packet id */
  constructor(private readonly send: (messageId: number) => void) {
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

  /**
   * Notes a packet id as in hand. False when it is already: nats-server sends again what is not acknowledged within
   * its `ack_wait`, and the one acknowledgement to come is for both.
   */
  begin(messageId: number): boolean {
    if (this.#inHand.has(messageId)) return false;
    this.#inHand.add(messageId);
    return true;
  }

  /** Acknowledges, unless the connection has ended: its id may stand for another message by now. */
  acknowledge(messageId: number): void {
    if (this.#isOpen && this.#inHand.delete(messageId)) this.send(messageId);
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
}
