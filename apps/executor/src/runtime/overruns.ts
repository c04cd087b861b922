import { monotonicNow } from './clock.js';

/**
 * Runs of one worker that were told to stop and have not. After the grace time: `blocked` when nothing was heard of the
 * worker since, which answers at once when it reads that; else `stubborn`.
 */
export class Overruns {
  readonly #runs = new Map<number, { readonly since: number; alive: boolean }>();
  #timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly graceMs: number,
    private readonly judge: (verdict: 'blocked' | 'stubborn') => void,
    /** Whether it has runs that a hasty verdict would cost. */
    private readonly hasOthers: () => boolean,
  ) {}

  add(key: number): void {
    this.#runs.set(key, { since: monotonicNow(), alive: false });
    this.#timer ??= setTimeout(() => this.#look(), this.graceMs);
  }

  /** Something came from the worker: it may be slow, blocked it is not. */
  heard(): void {
    if (this.#runs.size > 0) for (const run of this.#runs.values()) run.alive = true;
  }

  /** Runs that should have stopped. */
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
    const after = (ms: number) => runs.filter(({ since }) => now - since >= ms - 1);
    if (after(this.#patienceMs).some(({ alive }) => !alive)) return this.judge('blocked');
    if (after(this.graceMs).some(({ alive }) => alive)) this.judge('stubborn');
    // A retired worker may still come to be blocked.
    const since = Math.min(...runs.filter(({ alive }) => !alive).map((run) => run.since));
    if (Number.isFinite(since))
      this.#timer ??= setTimeout(() => this.#look(), Math.max(1, since + this.#patienceMs - now));
  }

  /** On a busy machine a worker may be silent because it gets no processor. */
  get #patienceMs(): number {
    return this.hasOthers() ? 1.5 * this.graceMs : this.graceMs;
  }
}
