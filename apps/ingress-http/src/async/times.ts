import type { IncomingHttpHeaders } from 'node:http';
import { MAX_DELAY_MS, MeshError } from '#contracts';

/** When work is to run. Both in ms since 1970. */
export interface Times {
  /** Not before then; absent: at once. */
  readonly startsAt?: number;
  /** Not worth starting any more from then on. */
  readonly expires?: number;
}

// RFC 3339, clause 5.6: with a zone, since nobody knows where the caller is.
const RFC_3339 = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)$/i;
const SECONDS = /^\d{1,9}(\.\d{1,3})?$/;

/**
 * From the headers `mesh-delay` (seconds), `mesh-at` and `mesh-expires` (RFC 3339). A start that is past is at once.
 * @param now ms since 1970
 * @throws MeshError `bad-request`
 */
export function timesOf(headers: IncomingHttpHeaders, now: number): Times {
  const startsAt = startOf(headers, now);
  const expires = timeOf(headers, 'mesh-expires');
  if (startsAt !== undefined && startsAt - now > MAX_DELAY_MS)
    throw new MeshError('bad-request', 'Work can be delayed for a year at most.');
  if (expires !== undefined && expires <= (startsAt ?? now))
    throw new MeshError('bad-request', 'mesh-expires must come after the start.');
  return {
    ...(startsAt === undefined ? undefined : { startsAt }),
    ...(expires === undefined ? undefined : { expires }),
  };
}

function startOf(headers: IncomingHttpHeaders, now: number): number | undefined {
  const delay = headers['mesh-delay'] as string | undefined;
  const at = timeOf(headers, 'mesh-at');
  if (delay !== undefined && at !== undefined)
    throw new MeshError('bad-request', 'Send mesh-delay or mesh-at, not both.');
  const startsAt = delay === undefined ? at : now + secondsOf(delay) * 1_000;
  return startsAt === undefined || startsAt <= now ? undefined : startsAt;
}

function secondsOf(text: string): number {
  if (!SECONDS.test(text)) throw new MeshError('bad-request', 'mesh-delay must be seconds, such as 90.');
  return Number(text);
}

function timeOf(headers: IncomingHttpHeaders, name: string): number | undefined {
  const text = headers[name] as string | undefined;
  if (text === undefined) return undefined;
  const time = RFC_3339.test(text) ? Date.parse(text) : Number.NaN;
  if (Number.isNaN(time))
    throw new MeshError('bad-request', `${name} must be a time such as 2030-01-31T12:00:00Z.`);
  return time;
}
