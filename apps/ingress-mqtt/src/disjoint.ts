import { covers, hasWildcard, merged, overlap } from './topic-filter.js';

/**
 * Filters that match at least what the given ones do, no two of which match the same topic: nats-server sends a
 * message once for each subscription that matches it, a shared subscription (`$share`) brings one for each filter.
 * Where two overlap, one that covers both takes their place; what it brings beyond them finds no handler.
 */
export function disjoint(filters: Iterable<string>): Set<string> {
  const exact: string[] = [];
  let wild: string[] = [];
  for (const filter of filters) {
    if (hasWildcard(filter)) wild = withMerged(wild, filter);
    else exact.push(filter);
  }
  return new Set([...exact.filter((topic) => !wild.some((filter) => covers(filter, topic))), ...wild]);
}

/** Adds a filter; one that grew by a merge may meet others that it did not meet before. */
function withMerged(filters: readonly string[], added: string): string[] {
  const met = filters.filter((filter) => overlap(filter, added));
  if (met.length === 0) return [...filters, added];
  const rest = filters.filter((filter) => !met.includes(filter));
  return withMerged(rest, met.reduce(merged, added));
}

/** Of more filters than that only what begins with the same level; of too many of these, one for all. */
export function coarse(filters: ReadonlySet<string>, most: number): Set<string> {
  if (filters.size <= most) return new Set(filters);
  const tops = disjoint([...filters].map((filter) => `${filter.split('/', 1)[0]}/#`));
  return tops.size <= most ? tops : new Set(['#']);
}
