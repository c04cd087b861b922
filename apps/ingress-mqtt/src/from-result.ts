import type { OutcomeCode } from '#contracts';

/**
 * What becomes of a message. MQTT 3.1.1 has no way to say no: one that is not acknowledged comes again when the
 * connection does, and until then takes one of the places that the broker gives to a session.
 *
 * - puback: it is done, or will never be: the broker forgets it
 * - withhold: the mesh cannot take it now; it is kept, unacknowledged, and tried again
 */
export type Settlement = 'puback' | 'withhold';

/** The mesh cannot take the message now, and it was not run. */
const NOT_NOW: ReadonlySet<OutcomeCode> = new Set([
  'no-executor',
  'not-connected',
  'too-busy',
  'shutting-down',
] as const);

/** Calls of one message that may stay without any answer, before the message itself is taken for the cause. */
const MOST_LOST = 3;

/**
 * A handler's no and a handler's error are final: trying again is for work that is kept in a stream, and a message
 * that fails for ever must not hold up the others for ever.
 * @param lost how many calls of this message brought no answer at all, this one included; 0 when this one did
 */
export function fromResult(outcome: OutcomeCode, lost: number): Settlement {
  if (NOT_NOW.has(outcome)) return 'withhold';
  // Nobody answered: the executor has died, or the answer was lost with a connection.
  return outcome === 'deadline-exceeded' && lost > 0 && lost < MOST_LOST ? 'withhold' : 'puback';
}
