/**
 * Keeps a message from being received by others while it is in hand, by extending its visibility again and again.
 * SQS ends that 12 hours after the receive, whatever is extended.
 */
export class Heartbeat {
  readonly #timer: NodeJS.Timeout;
  #beating: Promise<void> = Promise.resolve();

  /** @param extend may reject: `onFault` hears of it and the next beat tries again */
  constructor(
    private readonly extend: () => Promise<void>,
    intervalMs: number,
    private readonly onFault: (error: unknown) => void,
  ) {
    this.#timer = setInterval(() => this.#beat(), intervalMs);
  }

  /**
   * No beat comes any more. Resolves when the last one is through: arriving later, it would undo what is decided of
   * the message next.
   */
  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await this.#beating;
  }

  #beat(): void {
    // One after the other, should SQS be slower than the beat.
    this.#beating = this.#beating.then(() => this.extend()).catch(this.onFault);
  }
}
