import { once } from 'node:events';
import type { PoolClient } from 'pg';
import { from as copyFrom } from 'pg-copy-streams';
import type { EntityManager } from 'typeorm';
import type { InvocationBatch } from '#contracts';
import { COPY_INVOCATIONS, copyRows, type Row } from './copy-rows.js';

/** A batch with the kind of each of its records. */
export interface KnownBatch extends InvocationBatch {
  readonly kinds: readonly number[];
}

export interface Written {
  /** Batches that were written before. */
  readonly repeated: number;
  readonly rows: number;
}

/**
 * Writes batches in one transaction, together with their ids: a batch that is delivered twice is written once, also by
 * two registries at the same time, of which the second waits for the first to commit.
 * @param manager of that transaction
 */
export async function writeBatches(manager: EntityManager, batches: readonly KnownBatch[]): Promise<Written> {
  const fresh = await claim(manager, batches);
  const rows = fresh.flatMap(rowsOf);
  if (rows.length > 0) await copy(manager, rows);
  return { repeated: batches.length - fresh.length, rows: rows.length };
}

/** Those that were not written before. Sorted, so that two registries never wait for each other in a circle. */
async function claim(manager: EntityManager, batches: readonly KnownBatch[]): Promise<KnownBatch[]> {
  const byId = new Map(batches.map((batch) => [batch.batch, batch]));
  const rows: { batch: string }[] = await manager.query(
    'INSERT INTO invocation_batches SELECT unnest($1::uuid[]) ON CONFLICT DO NOTHING RETURNING batch',
    [[...byId.keys()].sort()],
  );
  return rows.map(({ batch }) => byId.get(batch) as KnownBatch);
}

function rowsOf({ executor, records, kinds }: KnownBatch): Row[] {
  return records.map((record, i) => ({ record, executor, kind: kinds[i] as number }));
}

async function copy(manager: EntityManager, rows: readonly Row[]): Promise<void> {
  const client: PoolClient = await manager.queryRunner?.connect();
  const stream = client.query(copyFrom(COPY_INVOCATIONS));
  stream.end(copyRows(rows));
  await once(stream, 'finish');
}
