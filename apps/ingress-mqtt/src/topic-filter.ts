/*
 * Topics and filters of MQTT, clause 4.7 of 3.1.1 and of 5.
 */

/** True when every topic that `inner` matches is matched by `outer`, too; `inner` may itself be a topic. */
export function covers(outer: string, inner: string): boolean {
  const [a, b] = [outer.split('/'), inner.split('/')];
  // [MQTT-4.7.2-1]: a wildcard at the beginning does not match the server's own topics.
  if (inner.startsWith('$') && a[0] !== b[0]) return false;
  for (const [level, wanted] of a.entries()) {
    // Also the level above: "sport/#" matches "sport" (clause 4.7.1.2).
    if (wanted === '#') return true;
    const found = b[level];
    if (found === undefined || found === '#') return false;
    if (wanted !== '+' && wanted !== found) return false;
  }
  return a.length === b.length;
}

/** True when some topic is matched by both. */
export function overlap(one: string, other: string): boolean {
  const [a, b] = [one.split('/'), other.split('/')];
  for (let level = 0; level < Math.max(a.length, b.length); level++) {
    const [x, y] = [a[level], b[level]];
    if (x === '#' || y === '#') return true;
    if (x === undefined || y === undefined) return false;
    if (x !== y && x !== '+' && y !== '+') return false;
  }
  return true;
}

/** The narrowest filter that covers both. */
export function merged(one: string, other: string): string {
  const [a, b] = [one.split('/'), other.split('/')];
  const levels: string[] = [];
  for (let level = 0; level < Math.max(a.length, b.length); level++) {
    const [x, y] = [a[level], b[level]];
    if (x === '#' || y === '#' || x === undefined || y === undefined) return [...levels, '#'].join('/');
    levels.push(x === y ? x : '+');
  }
  return levels.join('/');
}

/**
 * What the wildcards of a filter stand for in a topic that it covers, under their number from the left: `a/+/#` in
 * `a/b/c/d` gives `{ 0: "b", 1: "c/d" }`. A `#` that stands for nothing, not even an empty level, is "".
 */
export function wildcardsIn(filter: string, topic: string): Record<string, string> {
  const levels = topic.split('/');
  const found: string[] = [];
  for (const [index, level] of filter.split('/').entries()) {
    if (level === '+') found.push(levels[index] ?? '');
    if (level === '#') found.push(levels.slice(index).join('/'));
  }
  return Object.fromEntries(found.entries());
}

export const hasWildcard = (filter: string): boolean => /[+#]/.test(filter);

/** Says why a filter is not subscribed, or `undefined` when it may be. */
export function filterFault(filter: string): string | undefined {
  // $SYS, $JS, $share: the broker's own, and none of a handler's business.
  if (filter.startsWith('$')) return 'it begins with "$", which is kept for the broker';
  const levels = filter.split('/');
  if (levels.slice(0, -1).includes('#')) return '"#" stands for the rest and can only come last';
  if (levels.some((level) => level.length > 1 && hasWildcard(level)))
    return '"+" and "#" stand for whole levels';
  return undefined;
}

/** Says why no message may be published on a topic that a device named, or `undefined` when one may. */
export function topicFault(topic: string): string | undefined {
  if (topic === '') return 'it is empty';
  if (topic.startsWith('$')) return 'it begins with "$", which is kept for the broker';
  if (hasWildcard(topic)) return 'it holds a wildcard';
  // [MQTT-4.7.3-2] forbids NUL alone; the other control characters are what brokers may refuse (clause 1.5.3).
  if (/\p{Cc}/u.test(topic)) return 'it holds a control character';
  return undefined;
}
