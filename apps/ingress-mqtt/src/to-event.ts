import { v7 as uuidv7 } from 'uuid';
import { DEFAULT_TIMEOUT_MS, type EventEnvelope, type Route } from '#contracts';
import type { Incoming } from './broker.js';

/** How much longer than the handler's own limit an answer is waited for, ms: so that its own error arrives. */
const ANSWER_GRACE_MS = 1_000;

/**
 * A message as an event. `attributes` is what MQTT knows of it: `{ topic, qos, retain, dup }`. Without a content
 * type, which 3.1.1 does not have: JSON if it parses, else text.
 */
export function toEvent({ topic, qos, retain, dup }: Incoming, route: Route): EventEnvelope {
  return {
    id: uuidv7(),
    timeout: timeoutOf(route),
    meta: { source: 'mqtt', attributes: { topic, qos, retain, dup } },
  };
}

/** The handler's own limit, ms, and the grace; with several versions live the longest, since the executor picks. */
function timeoutOf({ versions }: Route): number {
  const limits = versions.map(({ limits }) => limits.timeoutMs ?? DEFAULT_TIMEOUT_MS);
  return Math.max(...limits) + ANSWER_GRACE_MS;
}
