import { setTimeout as delay } from 'node:timers/promises';

/** Waits that double from `firstMs` to `mostMs`, each shortened by up to a half, so that many do not come at once. */
export class Backoff {
  #next: number;

  constructor(
    private readonly firstMs: number,
    private readonly mostMs: number,
  ) {
    this.#next = firstMs;
  }

  /** Back to the shortest wait. */
  reset(): void {
    this.#next = this.firstMs;
  }

  /** Waits; resolves early and with `false` when the signal aborts. */
  async wait(signal: AbortSignal): Promise<boolean> {
    const ms = this.#next * (0.5 + Math.random() / 2);
    this.#next = Math.min(this.#next * 2, this.mostMs);
    await delay(ms, undefined, { signal }).catch(() => undefined);
    return !signal.aborted;
  }
}
