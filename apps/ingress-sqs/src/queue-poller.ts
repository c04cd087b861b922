import { setMaxListeners } from 'node:events';
import type { Message } from '@aws-sdk/client-sqs';
import type { Log } from '#lifecycle';
import { Backoff } from '#lifecycle';
import { Delivery, type DeliveryParts } from './delivery.js';
import { LONG_POLL, type QueueFacts } from './sqs-queue.js';

/** How long a queue that cannot be reached is left alone, ms. */
const FIRST_WAIT_MS = 500;
const MOST_WAIT_MS = 30_000;

type State =
  | { readonly phase: 'opening' }
  /** A receive has succeeded: received from, as far as there is room and NATS is connected. */
  | { readonly phase: 'open'; readonly facts: QueueFacts }
  /** Gone, forbidden, or not answering: asked again and again. */
  | { readonly phase: 'failing'; readonly fault: string }
  | { readonly phase: 'stopped' };

export interface PollerParts extends Omit<DeliveryParts, 'stopping'> {
  /** Messages in hand at once. */
  readonly concurrency: number;
  readonly log: Log;
}

/**
 * Receives from one queue. opening → open ⇄ failing → stopped.
 *
 * Invariants: never more in hand than `concurrency`, held ones included, so that what is held stops the receiving;
 * no receive begins while NATS is not connected, and what one brings that had begun before is held; every message
 * received is settled before `stop()` resolves.
 */
export class QueuePoller {
  #state: State = { phase: 'opening' };
  readonly #stopping = new AbortController();
  readonly #delivery: Delivery;
  readonly #inHand = new Set<Promise<void>>();
  readonly #firstAttempt = Promise.withResolvers<void>();
  #receiving: AbortController | undefined;
  #loop: Promise<void> = Promise.resolve();
  #onRoom: () => void = () => {};

  constructor(private readonly parts: PollerParts) {
    this.#delivery = new Delivery({ ...parts, stopping: this.#stopping.signal });
    // Each held message waits for it.
    setMaxListeners(0, this.#stopping.signal);
  }

  get name(): string {
    return this.parts.binding.name;
  }
  get reachable(): boolean {
    return this.#state.phase === 'open';
  }
  get inHand(): number {
    return this.#inHand.size;
  }
  get held(): number {
    return this.#delivery.held;
  }

  /** Resolves when the queue was reached, or could not be reached for the first time: that is retried for ever. */
  async start(): Promise<void> {
    this.#loop = this.#run();
    await this.#firstAttempt.promise;
  }

  /** Receives no more; resolves when every message in hand is settled. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    this.#receiving?.abort();
    await this.#loop;
    await Promise.all(this.#inHand);
    this.#state = { phase: 'stopped' };
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping;
    const backoff = new Backoff(FIRST_WAIT_MS, MOST_WAIT_MS);
    while (!signal.aborted) {
      try {
        const facts = await this.parts.queue.describe(signal);
        await this.#receiveOnce(facts, 0);
        this.#opened(facts);
        backoff.reset();
        while (!signal.aborted) await this.#receiveOnce(facts, LONG_POLL);
      } catch (error) {
        if (signal.aborted) break;
        this.#failed(error);
        await backoff.wait(signal);
      }
    }
    this.#firstAttempt.resolve();
  }

  /** Rejects when the queue cannot be received from. */
  async #receiveOnce(facts: QueueFacts, wait: number): Promise<void> {
    await this.parts.link.untilConnected(this.#stopping.signal);
    await this.#untilRoom();
    for (const message of await this.#receive(facts, wait)) this.#take(message, facts);
  }

  async #untilRoom(): Promise<void> {
    while (this.#room <= 0)
      await new Promise<void>((resolve) => {
        this.#onRoom = resolve;
      });
  }

  get #room(): number {
    return this.parts.concurrency - this.#inHand.size;
  }

  /**
   * None when the service stops and so breaks the receive off. SQS may have given messages to it all the same: they
   * are visible again after their timeout. For that reason nothing else breaks one off.
   */
  async #receive(facts: QueueFacts, wait: number): Promise<Message[]> {
    if (!this.parts.link.connected || this.#stopping.signal.aborted) return [];
    const receiving = new AbortController();
    this.#receiving = receiving;
    try {
      return await this.parts.queue.receive(this.#room, wait, facts, receiving.signal);
    } catch (error) {
      if (receiving.signal.aborted) return [];
      throw error;
    } finally {
      this.#receiving = undefined;
    }
  }

  #take(message: Message, facts: QueueFacts): void {
    const stopped = this.#stopping.signal.aborted;
    const work = (stopped ? this.#delivery.giveBack(message) : this.#delivery.deliver(message, facts)).then(
      () => {
        this.#inHand.delete(work);
        this.#onRoom();
      },
    );
    this.#inHand.add(work);
  }

  #opened(facts: QueueFacts): void {
    const { log, binding } = this.parts;
    const wasFailing = this.#state.phase === 'failing';
    this.#state = { phase: 'open', facts };
    this.#firstAttempt.resolve();
    log.info(`Receiving from queue ${this.name}${wasFailing ? ' again' : ''}.`, {
      url: binding.url,
      handler: binding.handler?.path ?? 'by message attribute "path"',
      visibilitySeconds: facts.visibility,
    });
    if (!facts.redrives && !wasFailing)
      log.warn(`Queue ${this.name} has no redrive policy: what fails for good comes back for ever.`);
  }

  /** Said once for each fault, not for each attempt. */
  #failed(error: unknown): void {
    const fault = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
    if (this.#state.phase !== 'failing' || this.#state.fault !== fault)
      this.parts.log.error(`Queue ${this.name} cannot be received from; trying again until it can.`, {
        url: this.parts.binding.url,
        fault,
      });
    this.#state = { phase: 'failing', fault };
    this.#firstAttempt.resolve();
  }
}
