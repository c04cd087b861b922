/** Who may run now, who waits for its turn, and who is told to come back later. */
export type Admission = 'runs' | 'waits' | 'refused';

/**
 * How many runs of one handler go on at once here, and how many wait behind them, first come, first served. One slow
 * handler so takes neither the memory nor the time of the others, and whoever is beyond learns of it at once.
 */
export class Gate<T> {
  #running = 0;
  readonly #waiting: T[] = [];

  /**
   * @param concurrency runs at once
   * @param queue how many may wait
   */
  constructor(
    readonly concurrency: number,
    readonly queue: number,
  ) {}

  get waiting(): number {
    return this.#waiting.length;
  }

  /** @param isPatient nobody waits for its result, so that it may wait beyond the bound: others keep that one */
  admit(one: T, isPatient: boolean): Admission {
    if (this.#running < this.concurrency) {
      this.#running++;
      return 'runs';
    }
    if (!isPatient && this.#waiting.length >= this.queue) return 'refused';
    this.#waiting.push(one);
    return 'waits';
  }

  /** A run has ended. @returns who begins in its place */
  leave(): T | undefined {
    const next = this.#waiting.shift();
    if (next === undefined) this.#running--;
    return next;
  }

  /** It does not wait any more. */
  abandon(one: T): void {
    const at = this.#waiting.indexOf(one);
    if (at >= 0) this.#waiting.splice(at, 1);
  }
}
