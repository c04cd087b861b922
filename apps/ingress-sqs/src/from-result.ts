import { ERRORS, type OutcomeCode } from '#contracts';

/**
 * What becomes of a message.
 *
 * - delete: it is done
 * - release: it is left to its queue's redrive policy, and delivered again after a back-off
 * - hold: nothing is wrong with it; it is kept by heartbeat and tried again, and no receive of its own is used up
 */
export type Settlement = 'delete' | 'release' | 'hold';

/** The mesh's own 503 and 429: it cannot take the message now, and the message was not run. */
export function fromResult(outcome: OutcomeCode): Settlement {
  if (outcome === 'ok') return 'delete';
  if (outcome === 'failed') return 'release';
  const { status, fault } = ERRORS[outcome];
  return fault === 'mesh' && (status === 503 || status === 429) ? 'hold' : 'release';
}
