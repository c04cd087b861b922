import type { ErrorCode } from '#contracts';

/**
 * What becomes of a message of QoS 1 or 2. MQTT 3.1.1 has no way to say no: one that is not acknowledged comes again
 * when the connection does, and until then takes one of the places that the broker gives to a session.
 *
 * - acknowledge: it is in the stream, or can never be: the broker forgets it
 * - withhold: the stream cannot take it now; it is kept, unacknowledged, and tried again
 */
export type Settlement = 'acknowledge' | 'withhold';

/** It stays too large however often it is tried, and would hold up the others for ever. */
const NEVER: ReadonlySet<ErrorCode> = new Set(['payload-too-large']);

/** @param outcome how the attempt to put it into the stream ended */
export function fromResult(outcome: 'accepted' | ErrorCode): Settlement {
  return outcome === 'accepted' || NEVER.has(outcome) ? 'acknowledge' : 'withhold';
}
