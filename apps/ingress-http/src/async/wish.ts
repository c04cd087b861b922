import type { IncomingHttpHeaders } from 'node:http';
import { MeshError } from '#contracts';
import { keyOf } from './idempotency.js';
import { readPrefer } from './prefer.js';
import { type Times, timesOf } from './times.js';

/** What a caller who does not wait asks for beside the call itself. */
export interface Wish {
  readonly times: Times;
  readonly key?: string;
  /** URL for the result, as sent. */
  readonly callback?: string;
}

/** They mean nothing to a call; whoever sends one would wait in vain for what it promises. */
const ONLY_ASYNC = ['mesh-delay', 'mesh-at', 'mesh-expires', 'mesh-callback'] as const;

/**
 * `undefined` for a call, whose caller waits: nobody gets a 202 who did not ask for it (RFC 7240, clause 4.1). A key
 * on a call is the handler's matter, and passed on.
 * @param now ms since 1970
 * @throws MeshError `bad-request`
 */
export function wishOf(headers: IncomingHttpHeaders, now: number): Wish | undefined {
  const prefer = headers.prefer as string | undefined;
  if (prefer === undefined || !readPrefer(prefer).respondAsync) return refuseStray(headers);
  const key = keyOf(headers);
  const callback = headers['mesh-callback'] as string | undefined;
  return {
    times: timesOf(headers, now),
    ...(key === undefined ? undefined : { key }),
    ...(callback === undefined ? undefined : { callback }),
  };
}

function refuseStray(headers: IncomingHttpHeaders): undefined {
  for (const name of ONLY_ASYNC)
    if (headers[name] !== undefined)
      throw new MeshError('bad-request', `${name} needs Prefer: respond-async.`);
}
