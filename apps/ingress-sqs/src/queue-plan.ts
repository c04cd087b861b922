import type { ControlPath, Route, SqsTrigger } from '#contracts';
import type { QueueBinding } from './queue-binding.js';
import { isSameQueue, type QueueName, readQueueName } from './queue-name.js';

/*
 * Which queues are received from, and for whom: the operator's list (MESH_SQS_QUEUES) and what live routes name in
 * their triggers. Pure, so that every replica comes to the same plan from the same routes.
 *
 * - What the operator lists goes first. With a handler: that one, whatever a trigger says. Without: each message's
 *   attribute `path`; a message that has none goes to the handler whose trigger names the queue.
 * - Any other queue that a trigger names is received from for its handler alone, if MESH_SQS_TRIGGER_QUEUES allows it.
 * - Two handlers that name one queue: the first path in the order of the alphabet has it.
 */

export interface PlannedQueue {
  /** Stays the same as long as it is the same queue. */
  readonly key: string;
  readonly binding: QueueBinding;
  /** How it is found; a listed one by its URL. */
  readonly queue: QueueName;
  /** By the operator: the service is not ready without it. */
  readonly isListed: boolean;
}

export interface QueuePlan {
  readonly queues: readonly PlannedQueue[];
  /** What a trigger asks for and does not get, in words for the operator. */
  readonly refused: readonly string[];
}

export interface PlanParts {
  readonly listed: readonly QueueBinding[];
  /** Patterns of queues that triggers may name. */
  readonly allowed: readonly string[];
  /** Queues that triggers may add. */
  readonly most: number;
}

interface Wish {
  readonly path: ControlPath;
  readonly text: string;
  readonly queue: QueueName;
}

export function planQueues(routes: Iterable<Route>, { listed, allowed, most }: PlanParts): QueuePlan {
  const refused: string[] = [];
  const wishes = wishesOf(routes, refused);
  const queues: PlannedQueue[] = listed.map((binding) => plannedFor(binding, wishes));
  const added: PlannedQueue[] = [];
  for (const wish of wishes) {
    if (queues.some(({ queue }) => isSameQueue(queue, wish.queue))) continue;
    const other = added.find(({ queue }) => isSameQueue(queue, wish.queue));
    if (other?.binding.handler?.path === wish.path) continue;
    const fault = other ? takenBy(other) : refusal(wish, allowed, added.length >= most);
    if (fault) refused.push(`${wish.path} asks for queue ${wish.text}: ${fault}`);
    else added.push(plannedOf(wish));
  }
  return { queues: [...queues, ...added], refused };
}

/** The handler's trigger for this queue, if it has one: it says how many messages it takes at once. */
export function triggerFor(route: Route, queue: QueueName): SqsTrigger | undefined {
  return triggersOf(route).find((trigger) => {
    const named = readQueueName(trigger.queue);
    return named !== undefined && isSameQueue(named, queue);
  });
}

/** In the order of their paths, so that it does not depend on the order in which routes came. */
function wishesOf(routes: Iterable<Route>, refused: string[]): Wish[] {
  const sorted = [...routes].sort((a, b) => (a.path < b.path ? -1 : 1));
  return sorted.flatMap((route) =>
    triggersOf(route).flatMap(({ queue: text }) => {
      const queue = readQueueName(text);
      if (queue) return [{ path: route.path, text, queue }];
      refused.push(`${route.path} asks for queue ${text}: that is no name, ARN or URL of a queue`);
      return [];
    }),
  );
}

/** Those of the version with the greatest weight, as for every source. */
function triggersOf({ versions }: Route): SqsTrigger[] {
  const main = versions.reduce((a, b) => (b.weight > a.weight ? b : a));
  return main.triggers.flatMap((trigger) => ('sqs' in trigger ? [trigger.sqs] : []));
}

function plannedFor(binding: QueueBinding, wishes: readonly Wish[]): PlannedQueue {
  const queue = readQueueName(binding.url) ?? { name: binding.name, url: binding.url };
  const wish = wishes.find((candidate) => isSameQueue(queue, candidate.queue));
  return {
    key: binding.url,
    queue,
    isListed: true,
    binding: wish ? { ...binding, fallback: { path: wish.path } } : binding,
  };
}

const plannedOf = ({ path, text, queue }: Wish): PlannedQueue => ({
  key: text,
  queue,
  isListed: false,
  binding: { url: queue.url ?? '', name: text, handler: { path } },
});

const takenBy = ({ binding }: PlannedQueue): string => `${binding.handler?.path} has it already`;

function refusal({ text, queue }: Wish, allowed: readonly string[], isFull: boolean): string | undefined {
  // A URL says where signed requests go: only the operator decides that, by its beginning at least.
  const subjects = queue.url === undefined ? [text, queue.name] : [];
  const byUrl = allowed.some((pattern) => pattern.includes('://') && isLike(text, pattern));
  if (!byUrl && !subjects.some((subject) => allowed.some((pattern) => isLike(subject, pattern))))
    return 'MESH_SQS_TRIGGER_QUEUES does not allow it';
  return isFull ? 'MESH_SQS_MAX_QUEUES are received from already' : undefined;
}

/** `*` stands for any characters. */
function isLike(subject: string, pattern: string): boolean {
  const parts = pattern.split('*').map((part) => part.replace(/[.*+?^${}()|[\]\\/]/g, '\\$&'));
  return new RegExp(`^${parts.join('.*')}$`).test(subject);
}
