import { setMaxListeners } from 'node:events';
import type { Message, SQSClient } from '@aws-sdk/client-sqs';
import type { StreamWriter } from '#fabric';
import { Backoff } from '#lifecycle';
import type { BackOff } from './back-off.js';
import { Delivery, type DeliveryParts } from './delivery.js';
import { Dispatch } from './dispatch.js';
import { QueueLog, type QueueLogParts } from './queue-log.js';
import type { PlannedQueue } from './queue-plan.js';
import { Receiving } from './receiving.js';
import { Settling } from './settling.js';
import { type QueueFacts, SqsQueue } from './sqs-queue.js';

/** How long a queue that cannot be reached is left alone, ms. */
const FIRST_WAIT_MS = 500;
const MOST_WAIT_MS = 10_000;
/** How long what is known of the queue counts, ms. */
const FACTS_AGE_MS = 300_000;

type State =
  | { readonly phase: 'opening' }
  /** A receive has succeeded: received from, as far as there is room and the mesh takes what comes. */
  | { readonly phase: 'open' }
  /** Gone, forbidden, or not answering: asked again and again. */
  | { readonly phase: 'failing'; readonly fault: string }
  | { readonly phase: 'stopped' };

export interface PollerParts extends Pick<DeliveryParts, 'link' | 'metrics'>, QueueLogParts {
  readonly client: SQSClient;
  readonly dead: StreamWriter;
  readonly backOff: BackOff;
  /** Messages in hand at once. */
  readonly concurrency: number;
}

/**
 * Receives from one queue. opening → open ⇄ failing → stopped.
 *
 * Invariants: never more in hand than `concurrency`, held ones included; no receive begins while NATS is not
 * connected, nor while a message of the queue's one handler is held; what a receive brings that had begun before is
 * held; every message received is settled before `stop()` resolves.
 */
export class QueuePoller {
  #state: State = { phase: 'opening' };
  readonly #stopping = new AbortController();
  readonly #log: QueueLog;
  readonly #queue: SqsQueue;
  readonly #delivery: Delivery;
  readonly #dispatch: Dispatch;
  readonly #firstAttempt = Promise.withResolvers<void>();
  readonly #receiving: Receiving;
  #facts: QueueFacts | undefined;
  #loop: Promise<void> = Promise.resolve();

  constructor(
    private readonly parts: PollerParts,
    /** Its handler may change while messages are in hand: those that come afterwards go to the new one. */
    private planned: PlannedQueue,
  ) {
    const { signal: stopping } = this.#stopping;
    // Each held message waits for it.
    setMaxListeners(0, stopping);
    this.#queue = new SqsQueue(
      parts.client,
      planned.queue,
      (operation) => parts.metrics.countRequest(this.name, operation),
      () => this.#delivery.running > 0,
    );
    this.#log = new QueueLog(parts, () => this.name);
    this.#delivery = new Delivery({ ...parts, stopping, onFault: this.#log.notTaken });
    this.#dispatch = new Dispatch({
      queue: this.#queue,
      delivery: this.#delivery,
      settling: new Settling({ ...parts, queue: this.#queue, stopping, onFault: this.#log.notSettled }),
      onHeartbeatFault: this.#log.notExtended,
      onRoom: () => this.wake(),
    });
    this.#receiving = new Receiving({
      concurrency: parts.concurrency,
      inHand: () => this.#dispatch.inHand,
      isWanted: () => this.#isWanted,
      receive: (most, wait) => this.#receive(most, wait),
      take: (messages) => this.#take(messages),
    });
  }

  get name(): string {
    return this.planned.binding.name;
  }
  get isListed(): boolean {
    return this.planned.isListed;
  }
  get reachable(): boolean {
    return this.#state.phase === 'open';
  }
  get inHand(): number {
    return this.#dispatch.inHand;
  }
  get held(): number {
    return this.#delivery.held;
  }

  replan(planned: PlannedQueue): void {
    this.planned = planned;
    this.wake();
  }

  /** NATS has come or gone, or there is room: look again whether to receive. */
  wake(): void {
    this.#receiving.wake();
  }

  /** Resolves when the queue was reached, or could not be reached for the first time: that is retried for ever. */
  async start(): Promise<void> {
    this.#loop = this.#run();
    await this.#firstAttempt.promise;
  }

  /** Receives no more; resolves when every message in hand is settled. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#loop;
    await this.#receiving.ended();
    await this.#dispatch.stop();
    this.#state = { phase: 'stopped' };
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping;
    const backoff = new Backoff(FIRST_WAIT_MS, MOST_WAIT_MS);
    while (!signal.aborted) {
      try {
        await this.#open(signal);
        backoff.reset();
        await this.#receiving.run(signal, performance.now() + FACTS_AGE_MS);
      } catch (error) {
        if (signal.aborted) break;
        this.#failed(error instanceof Error ? error : new Error(String(error)));
        await backoff.wait(signal);
      }
    }
    this.#firstAttempt.resolve();
  }

  /** Asks what the queue is like and, unless it was open already, whether it can be received from. */
  async #open(signal: AbortSignal): Promise<void> {
    const facts = await this.#queue.describe(signal);
    this.#facts = facts;
    if (this.#state.phase === 'open') return;
    await this.parts.link.untilConnected(signal);
    if (this.#isWanted && this.inHand < this.parts.concurrency) this.#take(await this.#receive(1, 0));
    if (signal.aborted) return;
    this.#log.opened(facts, this.planned, this.#state.phase === 'failing');
    this.#state = { phase: 'open' };
    this.#firstAttempt.resolve();
  }

  /** Held messages of its one handler stop the receiving at once; elsewhere they only take places. */
  get #isWanted(): boolean {
    return this.parts.link.connected && (this.held === 0 || this.planned.binding.handler === undefined);
  }

  /**
   * None when the service stops and so breaks the receive off. SQS may have given messages to it all the same: they
   * are visible again after their timeout. For that reason nothing else breaks one off.
   */
  async #receive(most: number, wait: number): Promise<readonly Message[]> {
    const { signal } = this.#stopping;
    try {
      return await this.#queue.receive(most, wait, this.#facts as QueueFacts, signal);
    } catch (error) {
      if (signal.aborted) return [];
      throw error;
    }
  }

  #take(messages: readonly Message[]): void {
    this.#dispatch.take(messages, this.planned.binding, this.#facts as QueueFacts);
  }

  /** Said once for each kind of fault, not for each attempt. */
  #failed({ name: fault, message }: Error): void {
    if (this.#state.phase !== 'failing' || this.#state.fault !== fault)
      this.#log.failed(this.planned, `${fault}: ${message}`);
    this.#state = { phase: 'failing', fault };
    this.#firstAttempt.resolve();
  }
}
