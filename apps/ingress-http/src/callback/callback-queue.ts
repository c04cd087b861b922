import type { Keep, WorkItem, WorkPuller } from '#fabric';
import type { Log } from '#lifecycle';
import { type Attempt, attempt, type Callback, hostOf, readCallback, type SendOptions } from './attempt.js';
import { HostShares } from './host-shares.js';
import { type KeptCall, readCall, writeNote } from './note.js';
import { waitAfter } from './retry-plan.js';

/*
 * Results on their way to their callers' URLs: stream CALLBACKS → POST → done, again later, or given up. A result leaves
 * the stream only when it was taken, or when its end is written down. At least once: a receiver tells by `mesh-id`.
 */

/** Sent at a time, by this process. */
const SLOTS = 64;

export interface CallbackPorts {
  readonly keep: Keep;
  readonly open: (onItem: (item: WorkItem) => void) => WorkPuller;
}

/** How one ended; for the metrics. */
export type CallbackEnd = 'sent' | 'again' | 'failed';

export class CallbackQueue {
  readonly #puller: WorkPuller;
  readonly #shares = new HostShares();
  readonly #inFlight = new Set<Promise<void>>();
  #stopping = false;

  constructor(
    private readonly options: SendOptions,
    private readonly ports: CallbackPorts,
    private readonly onEnd: (end: CallbackEnd) => void,
    private readonly log: Log,
  ) {
    this.#puller = ports.open((item) => this.#take(item));
    this.#puller.pull(SLOTS);
  }

  /** Takes no more; resolves when what is being sent has ended. */
  async stop(): Promise<void> {
    this.#stopping = true;
    await this.#puller.stop();
    await Promise.all(this.#inFlight);
  }

  #take(item: WorkItem): void {
    const handled = this.#handle(item)
      // The stream gives it out again by its time limit.
      .catch((error: unknown) => this.log.warn('A callback could not be settled.', error))
      .finally(() => {
        this.#inFlight.delete(handled);
        if (!this.#stopping) this.#puller.pull(1);
      });
    this.#inFlight.add(handled);
  }

  async #handle(item: WorkItem): Promise<void> {
    const callback = this.#read(item);
    if (!callback) return item.done();
    const host = hostOf(callback);
    const started = performance.now();
    const wait = this.#shares.enter(host, started);
    if (wait > 0) return item.later(wait);
    try {
      await this.#send(callback);
    } finally {
      const now = performance.now();
      this.#shares.leave(host, now, now - started);
    }
  }

  async #send(callback: Callback): Promise<void> {
    const known = await readCall(callback.result.id, this.ports.keep);
    // It was cancelled while it ran: nobody wants its result.
    if (known?.state.state === 'cancelled') return callback.item.done();
    await this.#settle(callback, await attempt(callback, this.options), known);
  }

  #read(item: WorkItem): Callback | undefined {
    try {
      return readCallback(item);
    } catch (error) {
      this.log.error('What stood in the stream of callbacks is none.', { subject: item.subject, error });
      return undefined;
    }
  }

  async #settle(
    callback: Callback,
    { verdict, error, retryAfter }: Attempt,
    known: KeptCall | undefined,
  ): Promise<void> {
    const { url, item } = callback;
    const { id } = callback.result;
    const attempts = (known?.state.call.callback?.attempts ?? item.deliveries - 1) + 1;
    const age = Date.now() - item.storedAt;
    const wait = verdict === 'again' ? waitAfter(attempts, age, retryAfter, Math.random()) : undefined;
    const end = verdict === 'sent' ? 'sent' : wait === undefined ? 'failed' : 'again';
    const state = end === 'again' ? 'waiting' : end;
    const note = { url, state, attempts, ...(error === undefined ? undefined : { error }) } as const;
    await writeNote(id, note, known, this.ports.keep);
    this.onEnd(end);
    if (wait !== undefined) return item.later(wait);
    if (end === 'failed')
      this.log.error('A callback was given up.', { id, host: hostOf(callback), attempts, error });
    await item.done();
  }
}
