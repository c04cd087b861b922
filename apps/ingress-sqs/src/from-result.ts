import type { OutcomeCode } from '#contracts';

/**
 * What becomes of a message.
 *
 * - delete: it is done
 * - release: it is left to its visibility timeout, and so to the queue's own redrive policy
 * - hold: nothing is wrong with it; it is kept by heartbeat and tried again, and no attempt of its own is used up
 */
export type Settlement = 'delete' | 'release' | 'hold';

/** The mesh cannot take the message now, and it was not run. */
const NOT_NOW: ReadonlySet<OutcomeCode> = new Set([
  'no-executor',
  'not-connected',
  'too-busy',
  'shutting-down',
] as const);

export function fromResult(outcome: OutcomeCode): Settlement {
  if (outcome === 'ok') return 'delete';
  return NOT_NOW.has(outcome) ? 'hold' : 'release';
}
