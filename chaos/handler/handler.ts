import { setTimeout as delay } from 'node:timers/promises';
import { FAIL, handler, OK } from '@lambda-mesh/handler';
import { record } from './record.js';

/** What the producers send; `behaviour` as in chaos/ledger.ts. */
interface Numbered {
  readonly id: string;
  readonly behaviour: 'ok' | 'slow' | 'refuse' | 'flaky' | 'poison';
}

const SLOW_MS = 1_500;

/**
 * Writes down that it ran, and for which event: the truth against which every event is accounted for. OK is said only
 * after Postgres has the row; while Postgres is away the run fails, as a handler that does its work there must.
 */
export default handler(
  'chaos/record',
  { env: ['DATABASE_URL'], limits: { timeoutMs: 12_000 } },
  async (event, context) => {
    const at = Date.now();
    const { id, behaviour } = event.body as Numbered;
    const attempt = attemptOf(event.attributes, context.attempt);
    if (behaviour === 'refuse') return context(FAIL, { id, error: 'refused' });
    if (behaviour === 'poison') throw new Error(`poison ${id}`);
    if (behaviour === 'flaky' && attempt === 1) throw new Error(`flaky ${id}`);
    if (behaviour === 'slow') await delay(SLOW_MS);
    await record({ id, meshId: event.id, source: event.source, attempt, at });
    return context(OK, { id });
  },
);

/** A queue counts for itself how often it has given a message out. */
function attemptOf(attributes: object, attempt: number): number {
  const { systemAttributes } = attributes as { systemAttributes?: Record<string, string> };
  return Number(systemAttributes?.ApproximateReceiveCount ?? attempt);
}
