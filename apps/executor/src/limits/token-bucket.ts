/** So long after work was last told to wait, ms, it counts as waiting: it asks several times in that. */
const WAITING_MS = 250;

/**
 * How many runs may begin: so many a second, and a burst of them after a pause. Calls and work of a handler have one of
 * these together; where both want more than there is, each gets every second one.
 */
export class TokenBucket {
  #tokens: number;
  #countedAt: number;
  #workWaitsUntil = 0;
  #lastWasCall = false;

  constructor(
    private ratePerSecond: number,
    private burst: number,
    private readonly now: () => number = () => performance.now(),
  ) {
    this.#tokens = burst;
    this.#countedAt = now();
  }

  /** ms from one to the next. */
  get everyMs(): number {
    return 1_000 / this.ratePerSecond;
  }

  /** Holds from now on; what was saved up stays, as far as it still may. */
  adjust(ratePerSecond: number, burst: number): void {
    this.#count();
    this.ratePerSecond = ratePerSecond;
    this.burst = burst;
    this.#tokens = Math.min(this.#tokens, burst);
  }

  /** One for a call, for which there is no later. */
  take(): boolean {
    if (this.#count() < this.#callNeeds()) return false;
    this.#tokens--;
    this.#lastWasCall = true;
    return true;
  }

  /** One for work, which asks again soon. */
  takeForWork(): boolean {
    if (this.#count() < 1) {
      this.#workWaitsUntil = this.now() + WAITING_MS;
      return false;
    }
    this.#tokens--;
    this.#lastWasCall = false;
    return true;
  }

  /** ms until there is one for a call, or for work. */
  waitMs(forWork = false): number {
    const missing = (forWork ? 1 : this.#callNeeds()) - this.#count();
    return Math.max(0, missing * this.everyMs);
  }

  /** The next one is for the work that waits, when the last one was for a call. */
  #callNeeds(): number {
    return this.#lastWasCall && this.now() < this.#workWaitsUntil ? 2 : 1;
  }

  #count(): number {
    const now = this.now();
    const since = (now - this.#countedAt) / 1_000;
    this.#countedAt = now;
    this.#tokens = Math.min(this.burst, this.#tokens + since * this.ratePerSecond);
    return this.#tokens;
  }
}
