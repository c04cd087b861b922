/** Ends of workers that are followed by a new one, whatever it costs: as many as a run of bad luck has. */
const BURST = 60;
/** Beyond them, so many a second. */
const PER_SECOND = 1;
/** So many of them are followed by a new one at once; beyond, one starts this long after the other, ms. */
const PROMPT = 4;
const PACE_MS = 200;
const FIRST_MS = 100;
const MOST_MS = 30_000;

/**
 * When a version may have its next worker. To start one costs the machine 25 to 60 ms of a processor, so that a handler that
 * crashes at every call would otherwise take one from its neighbours: who calls it waits instead.
 */
export class Restarts {
  #left = BURST;
  #countedAt: number;
  /** When the next one would start if none had been prompt. */
  #paced = Number.NEGATIVE_INFINITY;
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

  /** @returns ms after one ended that had been ready in which callers are told to come again */
  ended(): number {
    const now = this.now();
    this.#paced = Math.max(now, this.#paced) + PACE_MS;
    this.#left = Math.min(BURST, this.#left + ((now - this.#countedAt) / 1_000) * PER_SECOND) - 1;
    this.#countedAt = now;
    return this.#left >= 0 ? 0 : (-this.#left / PER_SECOND) * 1_000;
  }

  /** @returns ms that a start waits, and its callers with it */
  pause(): number {
    return Math.max(0, this.#paced - this.now() - PROMPT * PACE_MS);
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
