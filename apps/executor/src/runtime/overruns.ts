import { monotonicNow } from './clock.js';

/** So many runs may take their time at once to end; more than that are not let linger. */
const MOST_LINGERING = 32;

interface Overrun {
  readonly since: number;
  /** Until then it may go on, as long as the worker is alive. */
  readonly until: number;
  alive: boolean;
}

/**
 * Runs of one worker that were told to stop and have not. After the grace time: `blocked` when nothing was heard of the
 * worker since, which answers at once when it reads that; else `stubborn`.
 */
export class Overruns {
  readonly #runs = new Map<number, Overrun>();
  #silent = 0;
  #timer: NodeJS.Timeout | undefined;
  #timerAt = 0;

  constructor(
    private readonly graceMs: number,
    private readonly judge: (verdict: 'blocked' | 'stubborn') => void,
    /** Whether it has runs that a hasty verdict would cost. */
    private readonly hasOthers: () => boolean,
  ) {}

  /**
   * @param until by the monotonic clock: a stream that nobody takes any more may go on till its deadline, since a generator
   *   which waits for its next value cannot be told earlier, and its worker's other runs should not pay for that
   */
  add(key: number, until = 0): void {
    const since = monotonicNow();
    const isLet = until > since && this.#runs.size < MOST_LINGERING;
    this.#runs.set(key, { since, until: isLet ? until : since, alive: false });
    this.#silent++;
    this.#lookAt(since + this.graceMs);
  }

  /** Something came from the worker: it may be slow, blocked it is not. */
  heard(): void {
    if (this.#silent === 0) return;
    this.#silent = 0;
    for (const run of this.#runs.values()) run.alive = true;
  }

  get size(): number {
    return this.#runs.size;
  }

  stopped(key: number): void {
    this.#runs.delete(key);
  }

  clear(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#runs.clear();
  }

  #lookAt(time: number): void {
    if (this.#timer !== undefined && this.#timerAt <= time) return;
    clearTimeout(this.#timer);
    this.#timerAt = time;
    this.#timer = setTimeout(() => this.#look(), Math.max(1, time - monotonicNow()));
  }

  /** After what has arrived by now: where this thread was held up, its timers come before its messages. */
  #look(): void {
    setImmediate(() => {
      if (this.#timer === undefined) return;
      this.#timer = undefined;
      this.#decide(monotonicNow());
    });
  }

  #decide(now: number): void {
    const runs = [...this.#runs.values()];
    const isDue = (time: number) => now >= time - 1;
    if (runs.some((run) => !run.alive && isDue(run.since + this.#patienceMs))) return this.judge('blocked');
    if (runs.some((run) => run.alive && isDue(run.until + this.graceMs))) this.judge('stubborn');
    // A retired worker may still come to be blocked.
    const looks = runs.flatMap((run) => {
      if (!run.alive) return [run.since + this.#patienceMs];
      return isDue(run.until + this.graceMs) ? [] : [run.until + this.graceMs];
    });
    if (looks.length > 0) this.#lookAt(Math.min(...looks));
  }

  /** On a busy machine a worker may be silent because it gets no processor. */
  get #patienceMs(): number {
    return this.hasOthers() ? 1.5 * this.graceMs : this.graceMs;
  }
}
