import type { Message } from '@aws-sdk/client-sqs';
import { MAX_BATCH } from './batcher.js';
import { LONG_POLL } from './sqs-queue.js';

/** Receives of one queue under way at once, at the most. */
const MOST_RECEIVES = 8;
/** How long a receive waits for a whole batch of free slots, ms, on a queue that is full. */
const ROOM_LINGER_MS = 100;
/** How long a receive beside another waits for messages, seconds: only the first is a long poll. */
const SHORT_POLL = 1;

export interface ReceivingParts {
  /** Messages in hand at once. */
  readonly concurrency: number;
  readonly inHand: () => number;
  /** Whether the mesh would take what a receive brings. */
  readonly isWanted: () => boolean;
  /** Rejects when the queue cannot be received from. */
  readonly receive: (most: number, waitSeconds: number) => Promise<readonly Message[]>;
  readonly take: (messages: readonly Message[]) => void;
}

/**
 * Keeps receiving from one queue: one long poll while there is little, up to {@link MOST_RECEIVES} side by side while
 * every one comes back full. On a full queue a receive waits until a whole batch of slots is free, since each costs as
 * much for one message as for ten.
 *
 * Invariants: what is in hand and what was asked for is never more than `concurrency`; no receive begins that is not
 * wanted.
 */
export class Receiving {
  readonly #under = new Set<Promise<void>>();
  /** Asked for and not come yet. */
  #asked = 0;
  /** How many receives there should be. */
  #width = 1;
  /** Since when there has been room for some, ms. */
  #roomSince: number | undefined;
  #fault: unknown;
  #isWoken = false;
  #onWake: () => void = () => {};

  constructor(private readonly parts: ReceivingParts) {}

  /** Something has changed: there may be room, or receiving may be wanted again. */
  wake(): void {
    this.#isWoken = true;
    this.#onWake();
  }

  /**
   * Resolves when the signal aborts, or when `untilMs` (of `performance.now()`) is past and something happens; rejects
   * with the fault of a receive. May be called again: receives that are under way go on meanwhile.
   */
  async run(signal: AbortSignal, untilMs: number): Promise<void> {
    const wake = () => this.wake();
    signal.addEventListener('abort', wake);
    this.#fault = undefined;
    try {
      while (!signal.aborted && this.#fault === undefined && performance.now() < untilMs) {
        const most = this.#mayAskFor();
        if (most > 0) this.#begin(most);
        else await this.#untilWoken();
      }
    } finally {
      signal.removeEventListener('abort', wake);
    }
    if (this.#fault !== undefined && !signal.aborted) throw this.#fault;
  }

  /** Resolves when no receive is under way any more. */
  async ended(): Promise<void> {
    await Promise.all(this.#under);
  }

  /** 0: none now. */
  #mayAskFor(): number {
    const { concurrency, inHand, isWanted } = this.parts;
    const room = Math.min(MAX_BATCH, concurrency - inHand() - this.#asked);
    if (room <= 0) this.#roomSince = undefined;
    else this.#roomSince ??= performance.now();
    if (room <= 0 || this.#under.size >= this.#width || !isWanted()) return 0;
    return room >= Math.min(MAX_BATCH, concurrency) || this.#patience() <= 0 ? room : 0;
  }

  /** For how long a whole batch of slots is still waited for, ms. */
  #patience(): number {
    if (this.#width === 1 || this.#roomSince === undefined) return 0;
    return this.#roomSince + ROOM_LINGER_MS - performance.now();
  }

  async #untilWoken(): Promise<void> {
    if (!this.#isWoken) {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#onWake = resolve;
      const patience = this.#patience();
      const timer = patience > 0 ? setTimeout(resolve, patience) : undefined;
      await promise;
      clearTimeout(timer);
    }
    this.#isWoken = false;
  }

  #begin(most: number): void {
    this.#asked += most;
    this.#roomSince = undefined;
    const wait = this.#under.size === 0 ? LONG_POLL : SHORT_POLL;
    const one = this.#receive(most, wait).finally(() => {
      this.#under.delete(one);
      this.wake();
    });
    this.#under.add(one);
  }

  async #receive(most: number, wait: number): Promise<void> {
    try {
      const messages = await this.parts.receive(most, wait);
      if (messages.length >= most) this.#width = Math.min(this.#width + 1, MOST_RECEIVES);
      else if (messages.length === 0) this.#width = 1;
      this.parts.take(messages);
    } catch (error) {
      this.#fault ??= error ?? new Error('a receive failed');
    } finally {
      this.#asked -= most;
    }
  }
}
