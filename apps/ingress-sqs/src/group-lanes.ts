/** What has a place in a lane: the message group that it is of. */
export interface Grouped {
  readonly group: string;
}

/**
 * The messages that are in hand and not run yet. Those of a FIFO queue have its groups; of any other, each is a
 * group of its own.
 *
 * Invariants: at any time one batch at the most holds messages of a group; within a group they leave in the order in
 * which they came; after a failure nothing of that group leaves any more but to be given back to the queue, which
 * then delivers the group from the failed message on.
 */
export class GroupLanes<T extends Grouped> {
  /** What waits of each group, in the order in which their turns come; none is empty. */
  readonly #lanes = new Map<string, T[]>();
  readonly #running = new Set<string>();
  #waiting = 0;

  /** Messages that wait. */
  get waiting(): number {
    return this.#waiting;
  }

  add(item: T): void {
    const lane = this.#lanes.get(item.group);
    if (lane) lane.push(item);
    else this.#lanes.set(item.group, [item]);
    this.#waiting++;
  }

  /**
   * The next batch, of groups of which nothing runs; empty when there is none. Its groups run from now on, until
   * {@link done} or {@link failed}.
   * @param fits whether a batch that is not empty may hold this one too
   */
  take(fits: (batch: readonly T[], item: T) => boolean): T[] {
    const batch: T[] = [];
    for (const [group, lane] of this.#lanes) {
      if (this.#running.has(group)) continue;
      const before = batch.length;
      for (const item of lane) {
        if (batch.length > 0 && !fits(batch, item)) break;
        batch.push(item);
      }
      if (batch.length > before) this.#start(group, lane, batch.length - before);
    }
    return batch;
  }

  #start(group: string, lane: T[], count: number): void {
    this.#running.add(group);
    this.#waiting -= count;
    lane.splice(0, count);
    if (lane.length === 0) this.#lanes.delete(group);
  }

  /** What ran of the group is done: the next of it may run. */
  done(group: string): void {
    this.#running.delete(group);
    const lane = this.#lanes.get(group);
    if (!lane) return;
    // Behind the others: a long group does not keep short ones waiting.
    this.#lanes.delete(group);
    this.#lanes.set(group, lane);
  }

  /** @returns what still waited of the group: it is to be given back, behind the one that failed */
  failed(group: string): T[] {
    const rest = this.#lanes.get(group) ?? [];
    this.#lanes.delete(group);
    this.#running.delete(group);
    this.#waiting -= rest.length;
    return rest;
  }

  /** Everything that waits, to be given back. */
  clear(): T[] {
    const rest = [...this.#lanes.values()].flat();
    this.#lanes.clear();
    this.#waiting = 0;
    return rest;
  }
}
