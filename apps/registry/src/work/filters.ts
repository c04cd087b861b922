/*
 * Subject filters of NATS as sets of subjects: `a.b`, `a.*`, and `a.>`, which is everything below `a` and not `a`
 * itself. A workqueue refuses two consumers whose filters have a subject in common.
 */

/** Whether every subject of `inner` is one of `outer`. */
export function covers(outer: string, inner: string): boolean {
  return compare(outer, inner, (o, i) => o === '*' || o === i, false);
}

/** Whether some subject is in both. */
export function overlap(one: string, other: string): boolean {
  return compare(one, other, (a, b) => a === '*' || b === '*' || a === b, true);
}

function compare(
  one: string,
  other: string,
  fits: (a: string, b: string) => boolean,
  both: boolean,
): boolean {
  const a = one.split('.');
  const b = other.split('.');
  for (let at = 0; ; at++) {
    const [left, right] = [a[at], b[at]];
    if (left === '>') return right !== undefined;
    if (right === '>') return both && left !== undefined;
    if (left === undefined || right === undefined) return left === right;
    if (!fits(left, right)) return false;
  }
}

/** Filters of one consumer, asked about thousands of subjects. */
export class FilterSet {
  /** Those that end in `.>`, without it; those with a `*`; and all. */
  readonly #below = new Set<string>();
  readonly #starred: string[] = [];
  readonly #all: ReadonlySet<string>;

  constructor(filters: readonly string[]) {
    this.#all = new Set(filters);
    for (const filter of filters)
      if (filter.includes('*')) this.#starred.push(filter);
      else if (filter.endsWith('.>')) this.#below.add(filter.slice(0, -2));
  }

  /** Whether one filter has every subject of `inner`. */
  covers(inner: string): boolean {
    if (this.#all.has(inner)) return true;
    for (let dot = inner.lastIndexOf('.'); dot > 0; dot = inner.lastIndexOf('.', dot - 1))
      if (this.#below.has(inner.slice(0, dot))) return true;
    return this.#starred.some((filter) => covers(filter, inner));
  }
}

/** What both lists have in common, where no list has a subject twice. */
export function common(one: readonly string[], other: readonly string[]): string[] {
  const [inOne, inOther] = [new FilterSet(one), new FilterSet(other)];
  const narrower = [
    ...one.filter((filter) => inOther.covers(filter)),
    ...other.filter((filter) => inOne.covers(filter)),
  ];
  return [...new Set(narrower)];
}

export function sameFilters(one: readonly string[], other: readonly string[]): boolean {
  const set = new Set(one);
  return set.size === new Set(other).size && other.every((filter) => set.has(filter));
}
