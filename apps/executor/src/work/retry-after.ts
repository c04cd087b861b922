import type { Outcome } from '#handler/runtime';

/** The longest that is believed, ms. */
const MAX_MS = 86_400_000;

/**
 * How long the handler asks to be left alone, ms: its answer's `Retry-After` (RFC 9110, clause 10.2.3), in seconds or
 * as a date.
 * @param now ms since 1970
 */
export function retryAfterOf({ meta }: Outcome, now: number): number | undefined {
  const stated = meta?.headers?.['retry-after'];
  if (typeof stated !== 'string') return undefined;
  const ms = /^\d+(\.\d+)?$/.test(stated) ? Number(stated) * 1_000 : Date.parse(stated) - now;
  return Number.isNaN(ms) ? undefined : Math.min(Math.max(ms, 0), MAX_MS);
}
