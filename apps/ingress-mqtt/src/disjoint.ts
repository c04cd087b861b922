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

/** Of the room for filters so much is for the wide ones: while they take the place of the others, both are there. */
const WIDE_SHARE = 5;

/** In place of filters one for each of their first levels, or one for all where these are too many. */
export function coarse(filters: ReadonlySet<string>, most: number): Set<string> {
  const tops = disjoint([...filters].map((filter) => `${filter.split('/', 1)[0]}/#`));
  return roomFor(tops) <= most / WIDE_SHARE ? tops : new Set(['#']);
}

/** What they count: nats-server has two subscriptions for one that ends with `#`, the other for the level above. */
export const roomFor = (filters: ReadonlySet<string>): number =>
  [...filters].reduce((sum, filter) => sum + (filter.endsWith('#') ? 2 : 1), 0);
