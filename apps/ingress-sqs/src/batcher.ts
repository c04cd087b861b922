/** SQS takes and gives so many at once at the most. */
export const MAX_BATCH = 10;

interface Waiting<T> {
  readonly entry: T;
  resolve(): void;
  reject(fault: Error): void;
}

/** What became of each entry, in their order; `undefined`: it was taken. Rejects when none was. */
export type SendBatch<T> = (entries: readonly T[]) => Promise<readonly (Error | undefined)[]>;

/**
 * Puts entries that come within a short time into one request.
 *
 * Invariant: each entry is sent once, and its promise says what became of it alone.
 */
export class Batcher<T> {
  #waiting: Waiting<T>[] = [];
  #timer: NodeJS.Timeout | undefined;

  /**
   * @param lingerMs how long an entry waits for others
   * @param mayFollow whether waiting is worth while: another entry may come soon
   */
  constructor(
    private readonly send: SendBatch<T>,
    private readonly lingerMs: number,
    private readonly mayFollow: () => boolean = () => true,
  ) {}

  /** Rejects with what became of this entry. */
  add(entry: T): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ entry, resolve, reject });
      if (this.#waiting.length >= MAX_BATCH) this.flush();
      else this.#timer ??= setTimeout(() => this.flush(), this.mayFollow() ? this.lingerMs : 0);
    });
  }

  /** Sends what waits now. */
  flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const batch = this.#waiting.splice(0, MAX_BATCH);
    if (batch.length > 0) void this.#send(batch);
  }

  async #send(batch: readonly Waiting<T>[]): Promise<void> {
    try {
      const faults = await this.send(batch.map(({ entry }) => entry));
      batch.forEach(({ resolve, reject }, index) => {
        const fault = faults[index];
        if (fault) reject(fault);
        else resolve();
      });
    } catch (fault) {
      for (const { reject } of batch) reject(fault instanceof Error ? fault : new Error(String(fault)));
    }
  }
}
