import { monotonicNow } from './clock.js';

/**
 * Runs of one worker that were told to stop and have not. After the grace time: `blocked` when the worker did not even
 * read that, else `stubborn`.
 */
export class Overruns {
  readonly #runs = new Map<number, { readonly since: number; alive: boolean }>();
  #timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly graceMs: number,
    private readonly judge: (verdict: 'blocked' | 'stubborn') => void,
  ) {}

  add(key: number): void {
    this.#runs.set(key, { since: monotonicNow(), alive: false });
    this.#timer ??= setTimeout(() => this.#look(), this.graceMs);
  }

  /** The worker has read that this run is to stop. */
  alive(key: number): void {
    const run = this.#runs.get(key);
    if (run) run.alive = true;
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
    const late = [...this.#runs.values()].filter(({ since }) => now - since >= this.graceMs - 1);
    if (late.some(({ alive }) => !alive)) return this.judge('blocked');
    if (late.length > 0) this.judge('stubborn');
    // A retired worker may still come to be blocked.
    const since = Math.min(...[...this.#runs.values()].filter(({ alive }) => !alive).map((run) => run.since));
    if (Number.isFinite(since))
      this.#timer ??= setTimeout(() => this.#look(), Math.max(1, since + this.graceMs - now));
  }
}
