import type { WorkConsumerState } from '#fabric';

/** Between two looks, ms: what the server had stored by the first it has long told its consumers by the second. */
const APART_MS = 2_000;

interface Sight {
  readonly delivered: number;
  readonly upTo: number;
  readonly at: number;
}

/**
 * Consumers that know of nothing, though work waits for them. A consumer looks for its next message up to the end of the
 * stream, and what it gains behind that place it never delivers. nats-server (2.14) does not say how far one has looked,
 * only what it has delivered; but whoever has nothing in hand and nothing to come, twice, and has delivered nothing in
 * between, will not deliver what stood there the first time.
 */
export class LookedPast {
  readonly #sights = new Map<string, Sight>();

  constructor(private readonly now: () => number = () => performance.now()) {}

  /**
   * One look at a consumer for which work waits.
   * @param last place at the end of the stream, read before the consumer was
   * @returns place up to which it will deliver nothing; 0 where that is not certain
   */
  upTo({ name, delivered, inHand, waiting }: WorkConsumerState, last: number): number {
    const seen = this.#sights.get(name);
    const isIdle = inHand === 0 && waiting === 0;
    if (isIdle && seen?.delivered === delivered) return this.now() - seen.at < APART_MS ? 0 : seen.upTo;
    if (isIdle) this.#sights.set(name, { delivered, upTo: last, at: this.now() });
    else this.#sights.delete(name);
    return 0;
  }
}
