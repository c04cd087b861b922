import type { Route, SqsTrigger } from '#contracts';
import { type QueueName, readQueueUrl } from './queue-name.js';
import { triggerFor } from './queue-plan.js';

// A route is another object after each change, so nothing here grows old.
const triggers = new WeakMap<Route, Map<string, SqsTrigger | undefined>>();

/** How many messages of the queue the handler takes at once; `undefined`: one, and not as `Records`. */
export function batchSizeOf(route: Route, queueUrl: string): number | undefined {
  let known = triggers.get(route);
  if (!known) {
    known = new Map();
    triggers.set(route, known);
  }
  if (!known.has(queueUrl)) known.set(queueUrl, triggerFor(route, nameOf(queueUrl)));
  return known.get(queueUrl)?.batchSize;
}

const nameOf = (url: string): QueueName =>
  readQueueUrl(url) ?? { name: url.slice(url.lastIndexOf('/') + 1), url };
