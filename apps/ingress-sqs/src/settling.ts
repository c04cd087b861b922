import type { DeadReason } from '#contracts';
import type { StreamWriter } from '#fabric';
import { Backoff } from '#lifecycle';
import { type BackOff, backOffSeconds, GIVE_BACK_SECONDS } from './back-off.js';
import { putDeadLetter, wordsOf } from './dead-letters.js';
import type { InHand } from './in-hand.js';
import type { QueueBinding } from './queue-binding.js';
import type { Ending, SqsMetrics } from './sqs-metrics.js';
import { isFinal, type QueueFacts, type SqsQueue } from './sqs-queue.js';
import type { Verdict } from './verdict.js';

/** How long a delete that fails is tried again, ms: meanwhile the message's visibility is kept. */
const DELETE_LIMIT_MS = 60_000;
const FIRST_WAIT_MS = 200;
const MOST_WAIT_MS = 5_000;
/** Messages whose handler said OK and whose delete failed; the oldest are forgotten. */
const MOST_REMEMBERED = 10_000;

/** It is not delivered again. */
export const GONE = 0;

export interface SettlingParts {
  readonly queue: SqsQueue;
  readonly dead: StreamWriter;
  readonly metrics: SqsMetrics;
  readonly backOff: BackOff;
  /** A queue without redrive policy: after so many receives a message becomes a dead letter of the mesh. */
  readonly maxReceives: number;
  readonly stopping: AbortSignal;
  readonly onFault: (what: string, item: InHand, error: unknown) => void;
}

export interface Place {
  readonly binding: QueueBinding;
  readonly facts: QueueFacts;
}

/**
 * Does what was decided of a message: delete it, or leave it to its queue.
 *
 * Invariants: a message is deleted only after its handler said OK, or when it is a dead letter on file; no heartbeat
 * comes after its visibility was set for the last time.
 */
export class Settling {
  readonly #done = new Set<string>();

  constructor(private readonly parts: SettlingParts) {}

  /** Whether its handler has said OK already, and only a delete failed. */
  isDone({ id }: InHand): boolean {
    return this.#done.has(id);
  }

  /** @returns after how many seconds the queue delivers it again; {@link GONE}: not at all. Never rejects. */
  async settle(item: InHand, verdict: Verdict | undefined, place: Place): Promise<number> {
    switch (verdict?.settlement) {
      case 'delete':
        return await this.#delete(item, place, 'deleted');
      case 'release':
        return await this.#release(item, verdict, place);
      case 'hold':
        return await this.giveBack(item, place);
      case undefined:
        return await this.giveBack(item, place);
    }
  }

  /** Its visibility is kept until it is deleted. */
  async #delete(item: InHand, { binding, facts }: Place, ending: Ending): Promise<number> {
    // Others may run it again, and what comes after it in its group must not run beside that.
    const isOurs = !facts.isFifo || !item.isLost;
    item.ending();
    const fault = await this.#deleted(item);
    await item.letGo();
    if (fault !== undefined) {
      this.parts.onFault('delete', item, fault);
      return facts.visibility;
    }
    this.parts.metrics.countEnding(binding.name, ending);
    return isOurs ? GONE : GIVE_BACK_SECONDS;
  }

  /** Undefined when it is; else why it is not, after trying as long as it makes sense. */
  async #deleted(item: InHand): Promise<unknown> {
    const end = performance.now() + DELETE_LIMIT_MS;
    const backoff = new Backoff(FIRST_WAIT_MS, MOST_WAIT_MS);
    for (;;) {
      try {
        await this.parts.queue.delete(item.message);
        return undefined;
      } catch (fault) {
        this.#remember(item.id);
        const isLast = isFinal(fault) || item.isLost || performance.now() > end;
        if (isLast || !(await backoff.wait(this.parts.stopping))) return fault;
      }
    }
  }

  /** Received again, it is not run again. */
  #remember(id: string): void {
    const [oldest] = this.#done;
    if (this.#done.size >= MOST_REMEMBERED && oldest !== undefined) this.#done.delete(oldest);
    this.#done.add(id);
  }

  async #release(item: InHand, verdict: Verdict, place: Place): Promise<number> {
    const { maxReceives: limit } = place.facts;
    if (limit === undefined && item.receives >= this.parts.maxReceives)
      return await this.#bury(item, verdict, place);
    // Received as often as its queue allows: the next receive moves it to the dead letters, and need not wait.
    const isLast = limit !== undefined && item.receives >= limit;
    const wait = backOffSeconds(item.receives, this.parts.backOff, verdict.retryAfter);
    return await this.giveBack(item, place, isLast ? GIVE_BACK_SECONDS : wait, 'released');
  }

  /** Into the mesh's own dead letters, then deleted. */
  async #bury(item: InHand, verdict: Verdict, place: Place): Promise<number> {
    const { fault, outcome, version } = verdict;
    try {
      await putDeadLetter(this.parts.dead, item, place.binding, {
        reason: outcome as DeadReason,
        error: fault ? wordsOf(fault) : '',
        ...(version === undefined ? {} : { version }),
      });
    } catch (error) {
      this.parts.onFault('dead letter', item, error);
      return await this.giveBack(item, place, this.parts.backOff.most, 'released');
    }
    return await this.#delete(item, place, 'dead');
  }

  /** @param seconds after which it may be received again. @returns those */
  async giveBack(
    item: InHand,
    { binding }: Place,
    seconds = GIVE_BACK_SECONDS,
    ending: Ending = 'given-back',
  ): Promise<number> {
    await item.letGo();
    this.parts.metrics.countEnding(binding.name, ending);
    // Others may have it: what we say of it could be taken for theirs.
    if (item.isLost) return seconds;
    try {
      await this.parts.queue.setVisibility(item.message, seconds);
    } catch (error) {
      // Nothing is lost: it becomes visible again by itself.
      this.parts.onFault('visibility', item, error);
    }
    return seconds;
  }
}
