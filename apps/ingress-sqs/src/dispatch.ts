import type { Message } from '@aws-sdk/client-sqs';
import type { Delivery } from './delivery.js';
import { GroupLanes } from './group-lanes.js';
import { InHand } from './in-hand.js';
import type { QueueBinding } from './queue-binding.js';
import { GONE, type Place, type Settling } from './settling.js';
import type { QueueFacts, SqsQueue } from './sqs-queue.js';
import type { Verdicts } from './verdict.js';

export interface DispatchParts {
  readonly queue: SqsQueue;
  readonly delivery: Delivery;
  readonly settling: Settling;
  readonly onHeartbeatFault: (message: Message, error: unknown) => void;
  /** Called when there is room for one more. */
  readonly onRoom: () => void;
}

interface Waiting {
  readonly group: string;
  readonly item: InHand;
  readonly place: Place;
}

/**
 * Takes what was received through its call to its end: in batches, each group in order.
 *
 * Invariants: what is taken is in hand until it is settled; of a group whose message goes back to the queue, nothing
 * that came after it runs: it goes back too.
 */
export class Dispatch {
  readonly #lanes = new GroupLanes<Waiting>();
  readonly #runs = new Set<Promise<void>>();
  #inHand = 0;
  #isStopped = false;

  constructor(private readonly parts: DispatchParts) {}

  /** Messages received and not settled yet. */
  get inHand(): number {
    return this.#inHand;
  }

  take(messages: readonly Message[], binding: QueueBinding, facts: QueueFacts): void {
    const { queue, onHeartbeatFault: onFault } = this.parts;
    this.#inHand += messages.length;
    for (const message of messages) {
      const item = new InHand(message, { binding, queue, facts, onFault });
      this.#lanes.add({ group: item.group, item, place: { binding, facts } });
    }
    if (this.#isStopped) this.#giveBack(this.#lanes.clear());
    else this.#pump();
  }

  /** Begins nothing more; resolves when everything in hand is settled. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#giveBack(this.#lanes.clear());
    while (this.#runs.size > 0) await Promise.all(this.#runs);
  }

  #pump(): void {
    for (;;) {
      const batch = this.#lanes.take((taken, next) => this.#fits(taken, next));
      if (batch.length === 0) return;
      this.#track(this.#run(batch));
    }
  }

  #fits(taken: readonly Waiting[], { item, place }: Waiting): boolean {
    const { settling, delivery } = this.parts;
    const batch = taken.map((waiting) => waiting.item);
    if (batch.some((other) => settling.isDone(other)) || settling.isDone(item)) return false;
    return delivery.fits(batch, item, targetOf(place));
  }

  #track(run: Promise<void>): void {
    const tracked = run.finally(() => this.#runs.delete(tracked));
    this.#runs.add(tracked);
  }

  async #run(batch: readonly Waiting[]): Promise<void> {
    const verdicts = await this.#verdictsOf(batch);
    const groups = Map.groupBy(batch, ({ group }) => group);
    await Promise.all([...groups].map(([group, members]) => this.#settleGroup(group, members, verdicts)));
  }

  async #verdictsOf(batch: readonly Waiting[]): Promise<Verdicts> {
    const [first] = batch as [Waiting];
    const items = batch.map(({ item }) => item);
    if (this.parts.settling.isDone(first.item))
      return new Map([[first.item, { settlement: 'delete', outcome: 'ok' }]]);
    return await this.parts.delivery.deliver(items, targetOf(first.place));
  }

  /** All up to the first that failed as decided, the rest back to the queue: it delivers them after that one. */
  async #settleGroup(group: string, members: readonly Waiting[], verdicts: Verdicts): Promise<void> {
    const firstBad = members.findIndex(({ item }) => verdicts.get(item)?.settlement !== 'delete');
    const good = firstBad < 0 ? members : members.slice(0, firstBad);
    const waits = await Promise.all(good.map((member) => this.#settle(member, verdicts)));
    let wait = Math.max(GONE, ...waits);
    for (const member of members.slice(good.length))
      if (wait === GONE) wait = await this.#settle(member, verdicts);
      else await this.#settleBack(member, wait);
    if (wait === GONE) this.#lanes.done(group);
    else this.#giveBack(this.#lanes.failed(group), wait);
    this.#pump();
  }

  async #settle({ item, place }: Waiting, verdicts: Verdicts): Promise<number> {
    const wait = await this.parts.settling.settle(item, verdicts.get(item), place);
    this.#leave();
    return wait;
  }

  /** @param seconds until the one that failed is delivered again: none of its group is delivered before it */
  #giveBack(waiting: readonly Waiting[], seconds?: number): void {
    for (const one of waiting) this.#track(this.#settleBack(one, seconds));
  }

  async #settleBack({ item, place }: Waiting, seconds?: number): Promise<void> {
    await this.parts.settling.giveBack(item, place, seconds);
    this.#leave();
  }

  #leave(): void {
    this.#inHand--;
    this.parts.onRoom();
  }
}

const targetOf = ({ binding, facts }: Place) => ({
  binding,
  queueArn: facts.arn,
  queueUrl: facts.url,
});
