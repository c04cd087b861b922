/** Ends of workers that are followed by a new one at once: as many as a run of bad luck has. */
const BURST = 60;
/** Beyond them, so many a second. */
const PER_SECOND = 1;
const FIRST_MS = 100;
const MOST_MS = 30_000;

/**
 * When a version may have its next worker. A worker costs the machine about a tenth of a second of a processor, so that
 * a handler that crashes at every call would otherwise take one from its neighbours.
 */
export class Restarts {
  #left = BURST;
  #countedAt: number;
  /** Of those that were never ready, one after the other. */
  #unloaded = 0;

  constructor(
    private readonly now: () => number,
    private readonly random: () => number = Math.random,
  ) {
    this.#countedAt = now();
  }

  /** One was ready. */
  loaded(): void {
    this.#unloaded = 0;
  }

  /** @returns ms to wait after one ended that had been ready */
  ended(): number {
    const now = this.now();
    this.#left = Math.min(BURST, this.#left + ((now - this.#countedAt) / 1_000) * PER_SECOND) - 1;
    this.#countedAt = now;
    return this.#left >= 0 ? 0 : (-this.#left / PER_SECOND) * 1_000;
  }

  /**
   * @returns ms to wait after one ended before it was ready: none after the first, since what it missed may be there by
   *   now, then doubled each time, of which half is jitter
   */
  neverReady(): number {
    const nth = this.#unloaded++;
    if (nth === 0) return 0;
    return Math.min(FIRST_MS * 2 ** (nth - 1), MOST_MS) * (0.5 + this.random() / 2);
  }
}
