import type { Message } from '@aws-sdk/client-sqs';
import { asMeshError, type MeshError, type Reference } from '#contracts';
import { MAX_VISIBILITY } from './back-off.js';
import type { Grouped } from './group-lanes.js';
import { Heartbeat } from './heartbeat.js';
import type { QueueBinding } from './queue-binding.js';
import { isFinal, type QueueFacts, type SqsQueue } from './sqs-queue.js';
import { handlerOf } from './to-event.js';

/** Extensions within one visibility timeout: one may be lost, or late. */
const BEATS = 3;

export interface InHandParts {
  readonly binding: QueueBinding;
  readonly queue: SqsQueue;
  readonly facts: QueueFacts;
  /** Hears of an extension that failed. */
  readonly onFault: (message: Message, error: unknown) => void;
}

/** A message that was received and is not settled yet: its visibility is kept until {@link letGo}. */
export class InHand implements Grouped {
  readonly id: string;
  /** How often it was received, this time included. */
  readonly receives: number;
  /** What must not run beside it: the group of a FIFO queue, else itself. */
  readonly group: string;
  /** Whom it is for, or why nobody. */
  readonly handler: Reference | MeshError;
  readonly size: number;
  readonly queueArn: string;
  readonly #heartbeat: Heartbeat;
  readonly #since = performance.now();
  /** When its visibility ends, as far as we know; ms. */
  #until: number;
  #lost = false;
  #isEnding = false;

  constructor(
    readonly message: Message,
    { binding, queue, facts, onFault }: InHandParts,
  ) {
    this.id = message.MessageId ?? '';
    this.receives = Number(message.Attributes?.ApproximateReceiveCount ?? 1);
    this.group = message.Attributes?.MessageGroupId ?? message.ReceiptHandle ?? this.id;
    this.size = Buffer.byteLength(message.Body ?? '');
    this.handler = addressOf(message, binding);
    this.queueArn = facts.arn;
    this.#until = this.#since + facts.visibility * 1_000;
    this.#heartbeat = new Heartbeat(
      () => this.#extend(queue, facts.visibility),
      (facts.visibility * 1_000) / BEATS,
      (error) => {
        if (!this.#isEnding) onFault(message, error);
      },
    );
  }

  /** It is about to be deleted: an extension that is refused from now on is no news. */
  ending(): void {
    this.#isEnding = true;
  }

  /**
   * Others have it, or may: SQS said so, or its visibility has ended, since SQS could not be reached or this process
   * stood still.
   */
  get isLost(): boolean {
    return this.#lost || performance.now() > this.#until;
  }

  /** No extension comes any more; resolves when the last one is through. */
  async letGo(): Promise<void> {
    await this.#heartbeat.stop();
  }

  async #extend(queue: SqsQueue, visibility: number): Promise<void> {
    if (this.#lost) return;
    const now = performance.now();
    const left = MAX_VISIBILITY - (now - this.#since) / 1_000 - 1;
    const seconds = Math.floor(Math.min(visibility, left));
    if (seconds < 1) return;
    try {
      await queue.setVisibility(this.message, seconds);
      this.#until = now + seconds * 1_000;
    } catch (error) {
      if (isFinal(error)) this.#lost = true;
      throw error;
    }
  }
}

function addressOf(message: Message, binding: QueueBinding): Reference | MeshError {
  try {
    return handlerOf(message, binding);
  } catch (error) {
    return asMeshError(error);
  }
}
