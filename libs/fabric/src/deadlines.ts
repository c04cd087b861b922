/*
 * Deadlines of which nearly all are called off. A timer of Node's costs 0.3 µs, and a call has one in its ingress and one
 * in its executor: a fortieth of all that it costs. Here those that have as long stand in one row, in the order in which
 * they pass, and a row has one timer, for the first of them.
 */

/** One that has begun. */
export class Deadline {
  #before: Deadline = this;
  #after: Deadline = this;

  /**
   * @param due by `performance.now()`
   * @param passed called once, unless it was called off
   * @param of what it is told
   */
  constructor(
    readonly due: number,
    private readonly passed: (of: unknown) => void,
    private readonly of: unknown,
  ) {}

  /** The next one of its row; itself when it is alone. */
  get after(): Deadline {
    return this.#after;
  }

  /** Puts another one in front of this one. */
  precededBy(other: Deadline): void {
    other.#before = this.#before;
    other.#after = this;
    this.#before.#after = other;
    this.#before = other;
  }

  pass(): void {
    this.callOff();
    this.passed(this.of);
  }

  /** It will not pass any more. */
  callOff(): void {
    this.#before.#after = this.#after;
    this.#after.#before = this.#before;
    this.#before = this;
    this.#after = this;
  }
}

export class Deadlines {
  /** By how long they have, the end of a row: a deadline that never passes, in front of which the next one is put. */
  readonly #rows = new Map<number, Deadline>();

  /**
   * @param ms from now on; parts of one are added up to a whole, so that there are not too many rows
   * @param of handed to `passed`: one function does for all of a kind, where each would keep another in memory
   */
  begin<T>(ms: number, passed: (of: T) => void, of: T): Deadline {
    const whole = Math.ceil(ms);
    const row = this.#rows.get(whole) ?? this.#open(whole);
    const deadline = new Deadline(performance.now() + whole, passed as (of: unknown) => void, of);
    row.precededBy(deadline);
    return deadline;
  }

  #open(ms: number): Deadline {
    const row = new Deadline(Number.POSITIVE_INFINITY, () => undefined, undefined);
    this.#rows.set(ms, row);
    this.#wake(ms, row, ms);
    return row;
  }

  /** It keeps no process alive: whoever waits has a connection, or is about to end. */
  #wake(ms: number, row: Deadline, inMs: number): void {
    setTimeout(() => this.#look(ms, row), inMs).unref();
  }

  #look(ms: number, row: Deadline): void {
    for (let first = row.after; first !== row; first = row.after) {
      const left = first.due - performance.now();
      if (left > 0) return this.#wake(ms, row, Math.ceil(left));
      first.pass();
    }
    this.#rows.delete(ms);
  }
}
