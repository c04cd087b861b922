import { setTimeout as delay } from 'node:timers/promises';
import { type InvocationBatch, unpackInvocations } from '#contracts';
import { type AuditReader, type Connection, openAuditReader, type StoredBatch } from '#fabric';
import type { Log } from '#lifecycle';
import type { Catalogue } from '../catalogue/catalogue.js';
import { refusedFor } from '../catalogue/invocations/invocations.js';

/** Batches written in one transaction at most: 20,000 records where each is full. */
const TAKE = 40;
/** After a failure, ms. */
const RETRY_MS = 1_000;
/** Between looks whether Postgres is back, ms. */
const WAIT_MS = 200;

interface Taken {
  readonly stored: StoredBatch;
  readonly batch: InvocationBatch;
}

/**
 * Invocation records, from stream AUDIT into the catalogue. A batch is let go from the stream once it is committed: it
 * may be delivered again, by any failure in between, and is then passed over by its id. While Postgres is away nothing is taken.
 *
 * Three stages run side by side: while Postgres writes one lot, the next is decoded and the one after it fetched.
 */
export class InvocationIntake {
  #connection: Connection | undefined;
  #running: Promise<void> | undefined;
  #reader: AuditReader | undefined;
  #taking: Promise<readonly StoredBatch[]> | undefined;
  /** Ends the wait for what is being fetched. */
  #wake: (() => void) | undefined;
  #stopped = false;
  #failing = false;
  /** Records that were written. */
  rows = 0;
  /** Batches that were delivered again. */
  repeated = 0;
  /** Batches that nobody can read. */
  refused = 0;

  /** @param firstDay of the records that are kept */
  constructor(
    private readonly catalogue: Catalogue,
    private readonly firstDay: () => number,
    private readonly log: Log,
  ) {}

  /** True while batches are being taken. */
  get taking(): boolean {
    return this.#reader !== undefined;
  }

  /** NATS is there. Resolves when the stream is, so that executors find it. */
  async follow(connection: Connection): Promise<void> {
    this.#connection = connection;
    const opened = Promise.withResolvers<void>();
    this.#running = this.#run(opened.resolve);
    await opened.promise;
  }

  /** Finishes what was taken. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#wake?.();
    await this.#running;
  }

  async #run(opened: () => void): Promise<void> {
    let writing = Promise.resolve();
    while (!this.#stopped) {
      try {
        this.#reader ??= await openAuditReader(this.#connection as Connection);
        opened();
        const taken = this.#decode(await this.#next(this.#reader));
        await writing;
        writing = this.#write(taken);
      } catch (error) {
        this.#reader = undefined;
        this.#taking = undefined;
        await this.#failed('Invocation records cannot be read from the stream; trying on.', error);
      }
    }
    opened();
    this.#giveBack();
    await writing;
  }

  /** What was being fetched meanwhile; what comes after it is being fetched from now on. Nothing when it is to stop. */
  async #next(reader: AuditReader): Promise<readonly StoredBatch[]> {
    while (!this.catalogue.reachable && !this.#stopped) await delay(WAIT_MS);
    if (this.#stopped) return [];
    this.#taking ??= reader.take(TAKE);
    // A promise for each wait: one that lives as long as this would keep every lot that was ever raced against it.
    const stopping = Promise.withResolvers<undefined>();
    this.#wake = () => stopping.resolve(undefined);
    const taken = await Promise.race([this.#taking, stopping.promise]);
    if (!taken) return [];
    this.#taking = reader.take(TAKE);
    // Whoever awaits it hears of a failure, which may come before that.
    this.#taking.catch(() => undefined);
    return taken;
  }

  /** A stop does not wait for what may come: another registry gets it. */
  #giveBack(): void {
    this.#taking
      ?.then((batches) => {
        for (const batch of batches) batch.again(0);
      })
      .catch(() => undefined);
  }

  /** What cannot be read now can never be: it would circle in the stream for ever. */
  #decode(stored: readonly StoredBatch[]): Taken[] {
    return stored.flatMap((one) => {
      try {
        return [{ stored: one, batch: unpackInvocations(one.json) }];
      } catch (error) {
        this.#refuse(one, (error as Error).message);
        return [];
      }
    });
  }

  async #write(taken: readonly Taken[]): Promise<void> {
    if (taken.length === 0) return;
    try {
      const { rows, repeated } = await this.catalogue.invocations.write(
        taken.map(({ batch }) => batch),
        this.firstDay(),
      );
      for (const { stored } of taken) stored.done();
      this.rows += rows;
      this.repeated += repeated;
      this.#failing = false;
    } catch (error) {
      await this.#notWritten(taken, error);
    }
  }

  /** One that Postgres refuses must not hold up the others: each is tried by itself. */
  async #notWritten(taken: readonly Taken[], error: unknown): Promise<void> {
    const reason = refusedFor(error);
    if (reason !== undefined && taken.length > 1) {
      for (const one of taken) await this.#write([one]);
      return;
    }
    for (const { stored } of taken)
      if (reason === undefined) stored.again(RETRY_MS);
      else this.#refuse(stored, reason);
    if (reason === undefined)
      await this.#failed('Invocation records cannot be written; they wait in the stream.', error);
  }

  #refuse(stored: StoredBatch, reason: string): void {
    this.refused++;
    this.log.error(`A batch of invocation records is refused: ${reason}`);
    stored.refuse(reason);
  }

  /** Says so once, until it works again. */
  async #failed(text: string, error: unknown): Promise<void> {
    if (!this.#failing && !this.#stopped) this.log.warn(text, error);
    this.#failing = true;
    if (!this.#stopped) await delay(RETRY_MS);
  }
}
