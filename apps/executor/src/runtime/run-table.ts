const PLACES = 1024;

interface Entry<T> {
  readonly key: number;
  readonly value: T;
}

/**
 * Runs in flight, by their key. Keys only grow, so that those in flight lie close together: a key's place is its
 * remainder, and the few whose place is taken stand in a Map.
 *
 * Not a Map for all: under entries that come and go all the time V8 makes it a new table every few dozen of them, and each
 * table, once promoted, keeps its successors alive until the next full collection.
 */
export class RunTable<T> {
  readonly #places: (Entry<T> | undefined)[] = new Array(PLACES).fill(undefined);
  readonly #others = new Map<number, T>();
  #placed = 0;

  get size(): number {
    return this.#placed + this.#others.size;
  }

  add(key: number, value: T): void {
    const place = key % PLACES;
    if (this.#places[place] !== undefined) {
      this.#others.set(key, value);
      return;
    }
    this.#places[place] = { key, value };
    this.#placed++;
  }

  get(key: number): T | undefined {
    const entry = this.#places[key % PLACES];
    return entry?.key === key ? entry.value : this.#others.get(key);
  }

  /** Removes a run; `undefined` when it is not there (any more). */
  take(key: number): T | undefined {
    const place = key % PLACES;
    const entry = this.#places[place];
    if (entry?.key !== key) return this.#takeOther(key);
    this.#places[place] = undefined;
    this.#placed--;
    return entry.value;
  }

  /** Looks at each: for what is rare. */
  find(wanted: (value: T) => boolean): T | undefined {
    const placed = this.#places.find((entry) => entry !== undefined && wanted(entry.value));
    return placed ? placed.value : [...this.#others.values()].find(wanted);
  }

  takeAll(): T[] {
    const placed = this.#places.flatMap((entry) => (entry === undefined ? [] : [entry.value]));
    const all = [...placed, ...this.#others.values()];
    this.#places.fill(undefined);
    this.#placed = 0;
    this.#others.clear();
    return all;
  }

  #takeOther(key: number): T | undefined {
    const value = this.#others.get(key);
    this.#others.delete(key);
    return value;
  }
}
