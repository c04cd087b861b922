import {
  asMeshError,
  type EventEnvelope,
  isMeshError,
  MeshError,
  type Reference,
  type Route,
} from '#contracts';
import type { MeshLink } from '#fabric';
import { Backoff } from '#lifecycle';
import { batchSizeOf } from './batch-size.js';
import { fromResult } from './from-result.js';
import type { InHand } from './in-hand.js';
import type { QueueBinding } from './queue-binding.js';
import { encodeRecords } from './records.js';
import type { SqsMetrics } from './sqs-metrics.js';
import { timeoutOf, toBatchEvent, toEvent } from './to-event.js';
import { isHeld, type Verdict, type Verdicts, verdictsOf } from './verdict.js';

/** How long a held batch waits before it is tried again, ms. */
const FIRST_WAIT_MS = 100;
const MOST_WAIT_MS = 2_000;
/** A character of a body takes up to six in JSON (RFC 8259, clause 7: `\u0001`). */
const MOST_ESCAPED = 6;

export interface DeliveryParts {
  readonly link: MeshLink;
  readonly metrics: SqsMetrics;
  /** Aborts when the service stops: what is held is given back. */
  readonly stopping: AbortSignal;
  /** Hears of a call that did not end well. */
  readonly onFault: (item: InHand, verdict: Verdict) => void;
}

/** What a batch is for. */
export interface Target {
  readonly binding: QueueBinding;
  readonly queueArn: string;
  readonly queueUrl: string;
}

/**
 * The way of one batch: event → call → what is to become of each message. A batch has one message, or, for a handler
 * that takes `Records`, as many as its trigger says.
 *
 * Invariant: only a handler's OK leads to `delete`; `hold` is answered only when the service stops before the mesh
 * could take the batch.
 */
export class Delivery {
  #held = 0;
  #running = 0;

  constructor(private readonly parts: DeliveryParts) {}

  /** Messages that wait for an executor or for NATS. */
  get held(): number {
    return this.#held;
  }
  /** Messages with a handler, or waiting for one. */
  get running(): number {
    return this.#running;
  }

  /** Whether a batch may hold this message too. */
  fits(batch: readonly InHand[], item: InHand, { queueUrl }: Target): boolean {
    const [first] = batch;
    if (!first || isMeshError(first.handler) || isMeshError(item.handler)) return false;
    const { path, version } = first.handler;
    if (item.handler.path !== path || item.handler.version !== version) return false;
    const route = this.parts.link.routes.get(path);
    if (batch.length >= ((route && batchSizeOf(route, queueUrl)) ?? 1)) return false;
    const size = batch.reduce((sum, { size }) => sum + size, item.size);
    return size * MOST_ESCAPED <= this.parts.link.connection.maxBody;
  }

  /** Never rejects. */
  async deliver(batch: readonly InHand[], target: Target): Promise<Verdicts> {
    this.#running += batch.length;
    try {
      return await this.#call(batch, target);
    } finally {
      this.#running -= batch.length;
    }
  }

  async #call(batch: readonly InHand[], target: Target): Promise<Verdicts> {
    const verdicts = await this.#attempt(batch, target);
    return isHeld(verdicts) ? await this.#hold(batch, target, verdicts) : verdicts;
  }

  /** Tries again until the mesh takes it, or until the service stops: then it stays `hold`. */
  async #hold(batch: readonly InHand[], target: Target, first: Verdicts): Promise<Verdicts> {
    const { link, stopping } = this.parts;
    const backoff = new Backoff(FIRST_WAIT_MS, MOST_WAIT_MS);
    // Also counts while it is tried: nothing more is to be received until it has succeeded.
    this.#held += batch.length;
    let verdicts = first;
    try {
      while (isHeld(verdicts)) {
        await link.untilConnected(stopping);
        if (!(await backoff.wait(stopping))) break;
        verdicts = await this.#attempt(batch, target);
      }
    } finally {
      this.#held -= batch.length;
    }
    return verdicts;
  }

  /** What others may have is not run: it waited too long. */
  async #attempt(batch: readonly InHand[], target: Target): Promise<Verdicts> {
    const ours = batch.filter(({ isLost }) => !isLost);
    const verdicts = await this.#callOnce(ours, target);
    for (const [item, verdict] of verdicts) this.#report(item, verdict, target.binding);
    return verdicts;
  }

  /** Whatever goes wrong has a code. */
  async #callOnce(batch: readonly InHand[], target: Target): Promise<Verdicts> {
    const handler = batch[0]?.handler;
    try {
      if (!handler) return new Map();
      if (isMeshError(handler)) throw handler;
      // Each time anew: the route may have gone while the batch was held.
      const route = this.parts.link.routes.get(handler.path);
      if (!route) throw new MeshError('no-route', handler.path);
      return await this.#invoke(batch, handler, route, target);
    } catch (error) {
      const fault = asMeshError(error);
      const verdict = { settlement: fromResult(fault.code), outcome: fault.code, fault };
      return new Map(batch.map((item) => [item, verdict]));
    }
  }

  async #invoke(
    batch: readonly InHand[],
    { path, version }: Reference,
    route: Route,
    { binding, queueArn, queueUrl }: Target,
  ): Promise<Verdicts> {
    const isBatch = batchSizeOf(route, queueUrl) !== undefined;
    // The handler may have ceased to take batches since this one was made: the rest has no verdict and goes back.
    const taken = isBatch ? batch : batch.slice(0, 1);
    const messages = taken.map(({ message }) => message);
    const [first = {}] = messages;
    const event: EventEnvelope = isBatch
      ? toBatchEvent(taken.length, binding, version)
      : toEvent(first, binding, queueArn, version);
    const body = isBatch ? encodeRecords(messages, queueArn) : Buffer.from(first.Body ?? '');
    const timed = { ...event, timeout: timeoutOf(route) };
    const reply = await this.parts.link.invoker.invoke(path, timed, body);
    return verdictsOf(taken, reply, isBatch);
  }

  #report(item: InHand, verdict: Verdict, { name }: QueueBinding): void {
    const path = isMeshError(item.handler) ? undefined : item.handler.path;
    // No producer makes up labels.
    const label = path !== undefined && this.parts.link.routes.get(path) ? path : '';
    this.parts.metrics.countCall(name, label, verdict.outcome);
    if (verdict.settlement !== 'delete') this.parts.onFault(item, verdict);
  }
}
