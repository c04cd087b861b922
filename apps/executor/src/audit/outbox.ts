import { v7 as uuidv7 } from 'uuid';
import { asMeshError, type InvocationRecord, packInvocations } from '#contracts';
import type { AuditWriter } from '#fabric';

/** What may wait at most while NATS is away, bytes: some 300,000 records. */
const MAX_WAITING_BYTES = 32 * 1024 * 1024;
/** Between attempts, ms. */
const RETRY_MS = 250;

/** Records that went OK may be given up where memory ends; the others only after all of those. */
export type Lane = 'ok' | 'error';

interface Sealed {
  readonly id: string;
  readonly json: string;
  readonly count: number;
}

/**
 * Batches on their way to the stream, in a bounded memory. One is sent at a time, errors first, again and again until
 * the stream has it: sent twice, it is kept once.
 */
export class Outbox {
  readonly #lanes: Record<Lane, Sealed[]> = { ok: [], error: [] };
  #bytes = 0;
  #sending: Promise<void> | undefined;
  #flushing = false;
  #givenUp = false;
  /** Records that memory had no room for. */
  readonly dropped: Record<Lane, number> = { ok: 0, error: 0 };

  constructor(
    private readonly writer: AuditWriter,
    /** Its id, a UUID. */
    readonly executor: string,
    private readonly maxBytes = MAX_WAITING_BYTES,
    private readonly retryMs = RETRY_MS,
  ) {}

  /** Records that wait. */
  get waiting(): number {
    const count = (lane: Lane) => this.#lanes[lane].reduce((sum, sealed) => sum + sealed.count, 0);
    return count('ok') + count('error');
  }

  add(lane: Lane, records: readonly InvocationRecord[]): void {
    if (records.length === 0) return;
    const id = uuidv7();
    const json = packInvocations({ batch: id, executor: this.executor, records });
    this.#lanes[lane].push({ id, json, count: records.length });
    this.#bytes += json.length;
    while (this.#bytes > this.maxBytes && this.#drop()) {}
    this.#start();
  }

  /**
   * Waits until the stream has everything, so long at the most; nothing is added after it.
   * @returns records that it does not have
   */
  async flush(limitMs: number): Promise<number> {
    this.#flushing = true;
    const timer = setTimeout(() => {
      this.#givenUp = true;
    }, limitMs);
    while (this.#sending) await this.#sending;
    clearTimeout(timer);
    return this.waiting;
  }

  /** What was added while the one before was ending begins another. */
  #start(): void {
    if (this.#givenUp || !this.#next()) return;
    this.#sending ??= this.#send().finally(() => {
      this.#sending = undefined;
      this.#start();
    });
  }

  async #send(): Promise<void> {
    for (let next = this.#next(); next && !this.#givenUp; next = this.#next()) {
      const [lane, sealed] = next;
      try {
        await this.writer.sendInvocations(sealed.id, sealed.json);
        this.#remove(lane, sealed);
      } catch (error) {
        // NATS is away, or there is no stream yet. At the end, nobody will make one.
        this.#givenUp ||= this.#flushing && asMeshError(error).code === 'not-found';
        await new Promise((resolve) => setTimeout(resolve, this.retryMs));
      }
    }
  }

  #next(): [Lane, Sealed] | undefined {
    for (const lane of ['error', 'ok'] as const) {
      const [first] = this.#lanes[lane];
      if (first) return [lane, first];
    }
    return undefined;
  }

  /** The oldest that went OK; where there is none, the oldest of all. */
  #drop(): boolean {
    const lane = this.#lanes.ok.length > 0 ? 'ok' : 'error';
    const [oldest] = this.#lanes[lane];
    if (!oldest) return false;
    this.dropped[lane] += oldest.count;
    this.#remove(lane, oldest);
    return true;
  }

  /** It may have been dropped while it was being sent. */
  #remove(lane: Lane, sealed: Sealed): void {
    const at = this.#lanes[lane].indexOf(sealed);
    if (at < 0) return;
    this.#lanes[lane].splice(at, 1);
    this.#bytes -= sealed.json.length;
  }
}
