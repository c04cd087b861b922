import { setTimeout as sleep } from 'node:timers/promises';
import { type HandlerContext, handler, type ServerSentEvent, sse } from '@lambda-mesh/handler';

const LIMIT_MS = 60_000;

export default handler(
  'clock/ticks',
  { version: '1.0.0', limits: { timeoutMs: LIMIT_MS } },
  ({ query, headers }, context) => {
    const every = Math.max(10, Number(query.every ?? 1000) || 1000);
    // A browser that connects again says which event it saw last.
    const from = Number(headers['last-event-id'] ?? 0) || 0;
    return sse(ticks(from, every, context));
  },
);

/**
 * Until its time is nearly over, with one tick to spare for what comes late; or nobody listens any more: then the signal
 * aborts, and with it the sleep.
 */
async function* ticks(from: number, every: number, context: HandlerContext): AsyncGenerator<ServerSentEvent> {
  for (let n = from + 1; context.remainingTime() > 2 * every; n++) {
    yield { event: 'tick', id: String(n), data: { n, time: new Date().toISOString() } };
    await sleep(every, undefined, { signal: context.signal });
  }
}
