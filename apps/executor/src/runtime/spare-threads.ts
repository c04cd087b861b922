import type { Worker } from 'node:worker_threads';

/** After the last start, ms: whoever waits for that handler's first answer has the processors to himself. */
const CALM_MS = 200;

/**
 * Threads that were started ahead and know no handler yet. To start one takes longer than all else of a first answer; a
 * spare one needs to be told only which handler it is for. One that is still starting will do as well.
 */
export class SpareThreads {
  readonly #spare: Worker[] = [];
  #refill: NodeJS.Timeout | undefined;
  #closed = false;

  /** @param make starts a thread that waits for its handler, and throws an Error where there is no room for one */
  constructor(
    private readonly count: number,
    private readonly make: () => Worker,
  ) {}

  /** The longest started, or a new one. @throws Error when this machine has no thread or memory left */
  take(): Worker {
    const thread = this.#spare.shift() ?? this.make();
    thread.ref();
    this.#refillSoon();
    return thread;
  }

  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#refill);
    await Promise.all(this.#spare.splice(0).map((thread) => thread.terminate()));
  }

  /** One at a time. */
  #refillSoon(): void {
    clearTimeout(this.#refill);
    if (this.#closed || this.#spare.length >= this.count) return;
    this.#refill = setTimeout(() => this.#add(), CALM_MS).unref();
  }

  #add(): void {
    try {
      this.#keep(this.make());
    } catch {
      // There is no room: who needs one next tries again, and is told.
      return;
    }
    this.#refillSoon();
  }

  #keep(thread: Worker): void {
    thread.unref();
    this.#spare.push(thread);
    const gone = () => {
      const place = this.#spare.indexOf(thread);
      if (place >= 0) this.#spare.splice(place, 1);
    };
    // Without a listener its error would end the executor.
    thread.on('error', gone).on('exit', gone);
  }
}
