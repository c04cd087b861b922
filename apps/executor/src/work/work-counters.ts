import type { ControlPath } from '#contracts';

/** What became of the work of one path, beside what {@link Counters} count of its runs. */
export interface WorkCounts {
  /** Sent back to the stream after a run that failed. */
  retried: number;
  /** Sent back because its path was over its share. */
  deferred: number;
  dead: number;
}

/** Read by `/metrics`; a path is here once something other than success became of its work. */
export class WorkCounters {
  readonly #paths = new Map<ControlPath, WorkCounts>();

  get all(): ReadonlyMap<ControlPath, WorkCounts> {
    return this.#paths;
  }

  count(path: ControlPath, what: keyof WorkCounts): void {
    const counts = this.#paths.get(path) ?? { retried: 0, deferred: 0, dead: 0 };
    this.#paths.set(path, counts);
    counts[what]++;
  }
}
