import type { Message } from '@aws-sdk/client-sqs';
import { asMeshError, type EventEnvelope, MeshError, type OutcomeCode, type Reference } from '#contracts';
import type { MeshLink } from '#fabric';
import type { Complaints } from '#lifecycle';
import { Backoff } from '#lifecycle';
import { fromResult, type Settlement } from './from-result.js';
import { Heartbeat } from './heartbeat.js';
import type { QueueBinding } from './queue-binding.js';
import type { SqsMetrics } from './sqs-metrics.js';
import type { QueueFacts, SqsQueue } from './sqs-queue.js';
import { handlerOf, toEvent } from './to-event.js';

/** How long a held message waits before it is tried again, ms. */
const FIRST_WAIT_MS = 200;
const MOST_WAIT_MS = 2_000;
/** When what is given back may be received again. Not 0: the emulator of the embedded mesh, fauxqs 2.4.1, loses it then. */
const GIVE_BACK_SECONDS = 1;

export interface DeliveryParts {
  readonly binding: QueueBinding;
  readonly queue: SqsQueue;
  readonly link: MeshLink;
  readonly metrics: SqsMetrics;
  readonly complaints: Complaints;
  /** Aborts when the service stops: what is held is given back. */
  readonly stopping: AbortSignal;
}

/** A message whose handler and event are known. */
interface Addressed {
  readonly handler: Reference;
  readonly event: EventEnvelope;
  readonly body: Uint8Array;
}

/** How one call ended. */
interface Ending {
  readonly outcome: OutcomeCode;
  readonly fault?: MeshError;
}

const NOT_DELETED = {
  release: 'A message was not taken; it is left to the redrive of its queue.',
  hold: 'A message is held: the mesh cannot take it now.',
} as const;

function endingOf(error: unknown): Ending {
  const fault = asMeshError(error);
  return { outcome: fault.code, fault };
}

/**
 * The way of one message: event → call → settled.
 *
 * Invariants: a message is deleted only after its handler said OK; while it is in hand its visibility is kept; the
 * heartbeat has ended before anything is decided of it.
 */
export class Delivery {
  #held = 0;

  constructor(private readonly parts: DeliveryParts) {}

  /** Messages that wait for an executor or for NATS. */
  get held(): number {
    return this.#held;
  }

  /** Never rejects. */
  async deliver(message: Message, facts: QueueFacts): Promise<void> {
    const heartbeat = this.#heartbeat(message, facts.visibility);
    const settlement = await this.#call(message);
    await heartbeat.stop();
    await this.#settle(message, settlement);
  }

  /** Gives back a message that was received but not begun. Never rejects. */
  async giveBack(message: Message): Promise<void> {
    await this.#settle(message, 'hold');
  }

  #heartbeat(message: Message, visibility: number): Heartbeat {
    const { queue } = this.parts;
    return new Heartbeat(
      () => queue.setVisibility(message, visibility),
      (visibility * 1_000) / 2,
      (error) =>
        this.#complain('heartbeat', 'The visibility of a message could not be extended.', message, error),
    );
  }

  /** `hold` is answered only when the service stops before the mesh could take the message. */
  async #call(message: Message): Promise<Settlement> {
    let addressed: Addressed;
    try {
      addressed = this.#address(message);
    } catch (error) {
      return this.#ended(message, '', endingOf(error));
    }
    const backoff = new Backoff(FIRST_WAIT_MS, MOST_WAIT_MS);
    for (;;) {
      const settlement = this.#ended(message, addressed.handler.path, await this.#attempt(addressed));
      if (settlement !== 'hold' || !(await this.#hold(backoff))) return settlement;
    }
  }

  /** One call. Never rejects: whatever goes wrong has a code. */
  async #attempt({ handler, event, body }: Addressed): Promise<Ending> {
    const { routes, invoker } = this.parts.link;
    try {
      // Each time anew: the route may have gone while the message was held.
      if (!routes.get(handler.path)) throw new MeshError('no-route', handler.path);
      const { result } = await invoker.invoke(handler.path, event, body);
      return { outcome: result.outcome };
    } catch (error) {
      return endingOf(error);
    }
  }

  /** Counts and, where there is something to say, says so. */
  #ended(message: Message, path: string, { outcome, fault }: Ending): Settlement {
    const settlement = fromResult(outcome);
    this.parts.metrics.count(this.parts.binding.name, path, outcome);
    if (settlement !== 'delete') this.#complain(outcome, NOT_DELETED[settlement], message, fault);
    return settlement;
  }

  /** @throws MeshError `bad-path`, `no-route`, `unsupported-media-type` */
  #address(message: Message): Addressed {
    const { binding, link } = this.parts;
    const handler = handlerOf(message, binding);
    const route = link.routes.get(handler.path);
    if (!route) throw new MeshError('no-route', handler.path);
    return {
      handler,
      event: toEvent(message, binding, handler.version, route),
      body: Buffer.from(message.Body ?? ''),
    };
  }

  /** Waits until it is worth trying again; `false` when the service stops instead. */
  async #hold(backoff: Backoff): Promise<boolean> {
    const { link, stopping } = this.parts;
    this.#held++;
    try {
      await link.untilConnected(stopping);
      return await backoff.wait(stopping);
    } finally {
      this.#held--;
    }
  }

  async #settle(message: Message, settlement: Settlement): Promise<void> {
    const { queue } = this.parts;
    try {
      if (settlement === 'delete') await queue.delete(message);
      else if (settlement === 'hold') await queue.setVisibility(message, GIVE_BACK_SECONDS);
    } catch (error) {
      // Nothing is lost: it becomes visible again by itself, and is run once more if it was to be deleted.
      this.#complain(
        `settle ${settlement}`,
        `A message could not be settled (${settlement}).`,
        message,
        error,
      );
    }
  }

  #complain(kind: string, text: string, message: Message, fault: unknown): void {
    this.parts.complaints.warn(kind, text, {
      queue: this.parts.binding.name,
      messageId: message.MessageId,
      receiveCount: message.Attributes?.ApproximateReceiveCount,
      reason: kind,
      ...(fault instanceof Error ? { detail: detailOf(fault) } : {}),
    });
  }
}

const detailOf = ({ message, cause }: Error): string =>
  cause instanceof Error ? `${message} (${cause.message})` : message;
