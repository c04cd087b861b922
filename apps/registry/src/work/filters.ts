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

export const coversAny = (filters: readonly string[], inner: string): boolean =>
  filters.some((filter) => covers(filter, inner));

export const overlapsAny = (filters: readonly string[], others: readonly string[]): boolean =>
  filters.some((filter) => others.some((other) => overlap(filter, other)));

/** What both lists have in common, where no list has a subject twice. */
export function common(one: readonly string[], other: readonly string[]): string[] {
  const narrower = [
    ...one.filter((filter) => coversAny(other, filter)),
    ...other.filter((filter) => coversAny(one, filter)),
  ];
  return [...new Set(narrower)];
}

export function sameFilters(one: readonly string[], other: readonly string[]): boolean {
  const set = new Set(one);
  return set.size === new Set(other).size && other.every((filter) => set.has(filter));
}
