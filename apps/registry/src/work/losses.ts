import type { WorkConsumerState } from '#fabric';
import { common, FilterSet } from './filters.js';

/** So long what is in hand holds up whoever takes the subject next, ms: longer than most handlers run. */
const HELD_UP_MS = 10_000;

/**
 * Subjects that consumers have lost while they had some of them in hand. It stands with the consumer (`lost`), so that
 * every registry knows of it. Whoever takes such a subject next, and is not as far, would be given those messages as
 * well, even those that have been acknowledged by then: the server removes nothing that some consumer still is to be
 * given. So it waits until they are done, for a while.
 */
export class Losses {
  /** When each was first seen. */
  readonly #since = new Map<string, number>();

  constructor(private readonly now: () => number = () => performance.now()) {}

  /** Whether a consumer that gains this filter would be given what another has in hand. */
  holdUp({ name, delivered }: WorkConsumerState, filter: string, all: readonly WorkConsumerState[]): boolean {
    return all.some(
      (other) =>
        other.name !== name &&
        (other.lost?.upTo ?? 0) > delivered &&
        mayHold(other, [filter]) &&
        this.now() - this.#firstSeen(other) < HELD_UP_MS,
    );
  }

  #firstSeen({ name, lost }: WorkConsumerState): number {
    const key = `${name} ${lost?.upTo}`;
    const since = this.#since.get(key) ?? this.now();
    this.#since.set(key, since);
    return since;
  }
}

/** Whether it may still have in hand what it lost of these subjects. */
export function mayHold(state: WorkConsumerState, filters: readonly string[]): boolean {
  const { lost } = state;
  if (!lost || !isHeld(state)) return false;
  const has = new FilterSet(state.filters);
  return filters.some((filter) => !has.covers(filter) && common(lost.before, [filter]).length > 0);
}

/** Whether it still has in hand what it had when it lost something. */
export const isHeld = ({ lost, inHand, ackFloor }: WorkConsumerState): boolean =>
  lost !== undefined && inHand > 0 && ackFloor < lost.upTo;
