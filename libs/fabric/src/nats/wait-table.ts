interface Entry<T> {
  readonly token: string;
  readonly value: T;
}

/**
 * Who waits for which reply, under a token that is safe in a subject. A slot is used again, a token never: a reply that
 * comes late finds another token in its slot.
 *
 * Not a Map: under entries that come and go all the time V8 makes it a new table every few dozen of them, and each
 * table, once promoted, keeps its successors alive until the next full collection. That was a sixth of the time
 * of a busy ingress.
 */
export class WaitTable<T> {
  readonly #slots: (Entry<T> | undefined)[] = [];
  readonly #free: number[] = [];
  #next = 0;

  get size(): number {
    return this.#slots.length - this.#free.length;
  }

  /** @returns the token under which `value` waits */
  add(value: T): string {
    const slot = this.#free.pop() ?? this.#slots.length;
    const token = `${slot.toString(36)}-${(this.#next++).toString(36)}`;
    this.#slots[slot] = { token, value };
    return token;
  }

  has(token: string): boolean {
    return this.#slots[slotOf(token)]?.token === token;
  }

  /** Who waits now, each with the token. */
  all(): { readonly token: string; readonly value: T }[] {
    return this.#slots.filter((entry) => entry !== undefined);
  }

  /** Removes who waits under the token; `undefined` when nobody does (any more). */
  take(token: string): T | undefined {
    const slot = slotOf(token);
    const entry = this.#slots[slot];
    if (entry?.token !== token) return undefined;
    this.#slots[slot] = undefined;
    this.#free.push(slot);
    return entry.value;
  }
}

/** The digits before the dash; what is no token gives NaN, where no slot is. */
const slotOf = (token: string): number => Number.parseInt(token, 36);
