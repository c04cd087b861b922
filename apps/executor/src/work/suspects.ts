/** So many of the lesser suspects run at once. */
const TOGETHER = 8;

/**
 * Events that were running when their executor or their worker ended: one of them may have been the reason, and would
 * take the others along again and again. So few of them run at a time, and one of which more is known against it runs
 * with no other suspect. Events that are no suspects run as ever.
 */
export class Suspects {
  /** What one takes of which not much is known. */
  static readonly LESSER = 1;
  #running = 0;
  readonly #waiting: { readonly weight: number; readonly enter: (entered: boolean) => void }[] = [];

  constructor(private readonly maxWaiting: number) {}

  /** How much of the room a suspect takes. @param runsLeft attempts before it is a dead letter, this one included */
  static weightOf(crashes: number, runsLeft: number): number {
    return crashes > 1 || runsLeft < 3 ? TOGETHER : Suspects.LESSER;
  }

  get waiting(): number {
    return this.#waiting.length;
  }

  /** Resolves when it may run; with `false` when too many wait, or nothing is to run any more. */
  enter(weight: number): Promise<boolean> {
    if (this.#waiting.length === 0 && this.#running + weight <= TOGETHER) {
      this.#running += weight;
      return Promise.resolve(true);
    }
    if (this.#waiting.length >= this.maxWaiting) return Promise.resolve(false);
    return new Promise((enter) => this.#waiting.push({ weight, enter }));
  }

  leave(weight: number): void {
    this.#running -= weight;
    for (
      let [next] = this.#waiting;
      next && this.#running + next.weight <= TOGETHER;
      [next] = this.#waiting
    ) {
      this.#waiting.shift();
      this.#running += next.weight;
      next.enter(true);
    }
  }

  /** Those who wait enter no more. */
  dismiss(): void {
    for (const { enter } of this.#waiting.splice(0)) enter(false);
  }
}
