/*
 * Topics and filters of MQTT 3.1.1, clause 4.7.
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
