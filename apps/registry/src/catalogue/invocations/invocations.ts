import type { EntityManager } from 'typeorm';
import type { InvocationBatch, InvocationRecord } from '#contracts';
import type { Database } from '../database.js';
import { sqlState } from '../outage.js';
import { Kinds } from './kinds.js';
import { addPartitions, DAY_MS, type Day, dayOf, dropPartitions, today } from './partitions.js';
import {
  type InvocationQuery,
  type InvocationView,
  type Place,
  readInvocations,
  readRunsOf,
} from './read.js';
import { type KnownBatch, type Written, writeBatches } from './write.js';

/** Partitions are there so many days before they are needed. */
const AHEAD_DAYS = 2;

/** The records of what ran: written in bulk, read by filter, let go after so many days. */
export class Invocations {
  readonly #kinds = new Kinds();
  readonly #days = new Set<Day>();

  constructor(private readonly database: Database) {}

  /**
   * Writes batches, all or none; those that were written before are passed over. Records from before `first` are left
   * out, as they would be let go at once.
   * @throws MeshError `catalogue-unavailable`; Error when Postgres refuses what a batch holds: see {@link refusedFor}
   */
  write(batches: readonly InvocationBatch[], first: Day): Promise<Written> {
    return this.database.run(async (manager) => {
      const kept = batches.map((batch) => ({ ...batch, records: inTime(batch.records, first) }));
      const known = await this.#known(manager, kept);
      await this.#prepare(manager, daysOf(kept));
      return manager.transaction((inside) => writeBatches(inside, known));
    });
  }

  list(query: InvocationQuery, after: Place | undefined, limit: number): Promise<InvocationView[]> {
    return this.database.run((manager) => readInvocations(manager, query, after, limit));
  }

  /** The runs of one event, in order. @param from earliest and latest start, ms since 1970 */
  ofEvent(id: string, path: string, from: number, to: number): Promise<InvocationView[]> {
    return this.database.run((manager) => readRunsOf(manager, id, path, new Date(from), new Date(to)));
  }

  /**
   * Makes the partitions of the days to come, drops those before `first`, and forgets batches that the stream cannot
   * deliver again.
   * @param redeliveryMs how long it could
   * @returns how many days were dropped
   */
  maintain(first: Day, redeliveryMs: number): Promise<number> {
    return this.database.run(async (manager) => {
      const day = today();
      this.#days.clear();
      await this.#prepare(
        manager,
        Array.from({ length: AHEAD_DAYS + 1 }, (_, i) => day + i),
      );
      await forgetBatches(manager, Date.now() - redeliveryMs - DAY_MS);
      return dropPartitions(manager, first);
    });
  }

  async #known(manager: EntityManager, batches: readonly InvocationBatch[]): Promise<KnownBatch[]> {
    const numbers = await this.#kinds.numbersOf(
      manager,
      batches.flatMap(({ records }) => records),
    );
    let from = 0;
    return batches.map((batch) => {
      const kinds = numbers.slice(from, from + batch.records.length);
      from += kinds.length;
      return { ...batch, kinds };
    });
  }

  async #prepare(manager: EntityManager, days: Iterable<Day>): Promise<void> {
    const missing = new Set([...days].filter((day) => !this.#days.has(day)));
    if (missing.size === 0) return;
    await addPartitions(manager, missing);
    for (const day of missing) this.#days.add(day);
  }
}

/** Without what is too old. A clock that is days ahead is not believed: what it says began, began now. */
function inTime(records: readonly InvocationRecord[], first: Day): InvocationRecord[] {
  const last = today() + AHEAD_DAYS;
  return records.flatMap((record) => {
    const day = dayOf(record.startedAt);
    if (day < first) return [];
    return [day <= last ? record : { ...record, startedAt: Date.now() * 1_000 }];
  });
}

function daysOf(batches: readonly InvocationBatch[]): Set<Day> {
  return new Set(batches.flatMap(({ records }) => records.map(({ startedAt }) => dayOf(startedAt))));
}

/** A batch's id is a UUIDv7, which begins with the time in ms (RFC 9562, clause 5.7). */
async function forgetBatches(manager: EntityManager, beforeMs: number): Promise<void> {
  const hex = beforeMs.toString(16).padStart(12, '0');
  const first = `${hex.slice(0, 8)}-${hex.slice(8)}-7000-8000-000000000000`;
  await manager.query('DELETE FROM invocation_batches WHERE batch < $1', [first]);
}

/** Why Postgres will never take what it was given (SQLSTATE classes 22 and 23); `undefined`: it may, later. */
export function refusedFor(error: unknown): string | undefined {
  const state = sqlState(error) ?? String((error as { code?: unknown }).code);
  return /^2[23]/.test(state) ? (error as Error).message : undefined;
}
