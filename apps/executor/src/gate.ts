/** Who may run now, who waits for its turn, and who is told to come back later. */
export type Admission = 'runs' | 'waits' | 'refused';

/** Said to whoever is refused, ms, before it is known how fast the queue moves; and the longest that is ever said. */
const SOON_MS = 1_000;
const MOST_MS = 60_000;

/**
 * How many runs of one version go on at once here, and how many calls wait behind them, first come, first served. One
 * slow handler so takes neither the memory nor the time of the others, and whoever is beyond learns of it at once.
 *
 * Work waits beside the calls, in a queue of its own which has no bound (how much is taken of it is decided elsewhere):
 * so neither takes the other's places, and when both wait they begin in turns.
 */
export class Gate<T> {
  #running = 0;
  readonly #calls: T[] = [];
  readonly #work: T[] = [];
  #lastWasCall = false;
  /** Since somebody waits, by the clock: how many began in the place of others. */
  #waitSince = 0;
  #begun = 0;

  /**
   * @param concurrency runs at once
   * @param queue how many calls may wait
   */
  constructor(
    public concurrency: number,
    public queue: number,
    private readonly now: () => number = () => performance.now(),
  ) {}

  get running(): number {
    return this.#running;
  }

  get waiting(): number {
    return this.#calls.length + this.#work.length;
  }

  /** A call that came now would be refused. */
  get isFull(): boolean {
    return this.#running >= this.concurrency && this.#calls.length >= this.queue;
  }

  /** @param isPatient nobody waits for its result: it is never refused */
  admit(one: T, isPatient: boolean): Admission {
    if (this.#running < this.concurrency) {
      this.#running++;
      return 'runs';
    }
    if (!isPatient && this.#calls.length >= this.queue) return 'refused';
    if (this.waiting === 0) {
      this.#waitSince = this.now();
      this.#begun = 0;
    }
    (isPatient ? this.#work : this.#calls).push(one);
    return 'waits';
  }

  /** A run has ended. @returns who begins in its place */
  leave(): T | undefined {
    this.#running--;
    return this.next();
  }

  /** Who waits and may begin: after one has ended, or when more are allowed than before. */
  next(): T | undefined {
    if (this.#running >= this.concurrency) return undefined;
    const preferred = this.#lastWasCall ? this.#work : this.#calls;
    const queue = preferred.length > 0 ? preferred : preferred === this.#work ? this.#calls : this.#work;
    const next = queue.shift();
    if (next === undefined) return undefined;
    this.#lastWasCall = queue === this.#calls;
    this.#running++;
    this.#begun++;
    return next;
  }

  /** It does not wait any more. */
  abandon(one: T): void {
    for (const queue of [this.#calls, this.#work]) {
      const at = queue.indexOf(one);
      if (at >= 0) queue.splice(at, 1);
    }
  }

  /** When those that wait are expected to have begun, ms. */
  get waitMs(): number {
    if (this.#begun === 0) return SOON_MS;
    const paceMs = (this.now() - this.#waitSince) / this.#begun;
    return Math.min(MOST_MS, (this.waiting + 1) * paceMs);
  }
}
