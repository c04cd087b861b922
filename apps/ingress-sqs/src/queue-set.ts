import type { MeshLink } from '#fabric';
import type { Log } from '#lifecycle';
import type { PlannedQueue, PlanParts } from './queue-plan.js';
import { planQueues } from './queue-plan.js';
import { type PollerParts, QueuePoller } from './queue-poller.js';

/** How long changes of routes are gathered before the queues follow them, ms. */
const GATHER_MS = 100;

/*
 * The way of a message, and who has it when:
 *
 *   queue-plan    which queues, and for whom: the operator's list and the triggers of live routes   (pure)
 *   queue-set     follows the plan: a poller a queue
 *   queue-poller  one queue: opening → open ⇄ failing → stopped
 *   receiving     how many receives are under way, and when none is wanted
 *   dispatch      what is in hand: batches, groups in order (group-lanes), from the receive to the end
 *   delivery      a batch → event (to-event, records) → call → verdict on each message (verdict, from-result)
 *   settling      a verdict → delete, back-off (back-off), dead letter (dead-letters)
 *   in-hand       one message and its heartbeat
 *   sqs-queue     requests to SQS, ten messages in each (batcher)
 */

export interface QueueSetParts extends PlanParts {
  readonly link: MeshLink;
  readonly log: Log;
  readonly poller: Omit<PollerParts, 'link' | 'log'>;
}

/**
 * The queues that are received from at the moment: those that the operator lists and those that live routes name.
 *
 * Invariant: one poller a queue; one that nobody names any more ends after what it has in hand.
 */
export class QueueSet {
  readonly #pollers = new Map<string, QueuePoller>();
  readonly #ending = new Set<Promise<void>>();
  /** What was said already of triggers that are refused. */
  #refused = new Set<string>();
  #timer: NodeJS.Timeout | undefined;
  #forget: () => void = () => {};
  #isStopped = false;

  constructor(private readonly parts: QueueSetParts) {
    parts.link.connection.onStatus(() => {
      for (const poller of this.#pollers.values()) poller.wake();
    });
  }

  get pollers(): readonly QueuePoller[] {
    return [...this.#pollers.values()];
  }

  /** Of a queue that the operator lists, by its URL. */
  isReachable(url: string): boolean {
    return this.#pollers.get(url)?.reachable ?? false;
  }

  /** Resolves when every queue that the operator lists was tried once. */
  async start(): Promise<void> {
    this.#forget = this.parts.link.routes.onChange(() => this.#changed());
    await this.#follow();
  }

  /** Receives no more; resolves when everything in hand is settled. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#forget();
    clearTimeout(this.#timer);
    for (const [key, poller] of this.#pollers) this.#end(key, poller);
    await Promise.all(this.#ending);
  }

  #changed(): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      void this.#follow();
    }, GATHER_MS);
  }

  async #follow(): Promise<void> {
    if (this.#isStopped) return;
    const { queues, refused } = planQueues(this.parts.link.routes.all(), this.parts);
    this.#complain(refused);
    const wanted = new Map(queues.map((queue) => [queue.key, queue]));
    for (const [key, poller] of this.#pollers) if (!wanted.has(key)) this.#end(key, poller);
    const started = queues.map((queue) => this.#begin(queue));
    await Promise.all(started.filter((_, index) => queues[index]?.isListed));
  }

  async #begin(planned: PlannedQueue): Promise<void> {
    const known = this.#pollers.get(planned.key);
    if (known) return known.replan(planned);
    const { link, log, poller: parts } = this.parts;
    const poller = new QueuePoller({ ...parts, link, log }, planned);
    this.#pollers.set(planned.key, poller);
    await poller.start();
  }

  #end(key: string, poller: QueuePoller): void {
    this.#pollers.delete(key);
    const { log } = this.parts;
    if (!this.#isStopped) log.info(`No longer receiving from queue ${poller.name}: no route names it.`);
    const ended = poller.stop().finally(() => this.#ending.delete(ended));
    this.#ending.add(ended);
  }

  /** Once for each, until it is right again. */
  #complain(refused: readonly string[]): void {
    for (const text of refused) if (!this.#refused.has(text)) this.parts.log.warn(`${text}.`);
    this.#refused = new Set(refused);
  }
}
