import type { EntityManager } from 'typeorm';
import { lockPartitions } from '../locks.js';

/* One partition a day (UTC), so that old records are let go by dropping a table. */

export const DAY_MS = 86_400_000;
const NAME = /^invocations_(\d{4})(\d{2})(\d{2})$/;

/** A day, as the number of days since 1970. */
export type Day = number;
export const dayOf = (microseconds: number): Day => Math.floor(microseconds / (DAY_MS * 1_000));
export const today = (): Day => Math.floor(Date.now() / DAY_MS);

const dateOf = (day: Day): string => new Date(day * DAY_MS).toISOString().slice(0, 10);
export const partitionOf = (day: Day): string => `invocations_${dateOf(day).replaceAll('-', '')}`;

/** Makes those that are missing. A transaction of its own, one registry at a time. */
export async function addPartitions(manager: EntityManager, days: Iterable<Day>): Promise<void> {
  await manager.transaction(async (inside) => {
    await lockPartitions(inside);
    const present = new Set(await partitions(inside));
    for (const day of days) if (!present.has(day)) await addPartition(inside, day);
  });
}

/** A table that is attached when it is whole: making it in place would hold up all who read or write. */
async function addPartition(manager: EntityManager, day: Day): Promise<void> {
  const name = partitionOf(day);
  await manager.query(`CREATE TABLE ${name} (LIKE invocations INCLUDING DEFAULTS INCLUDING CONSTRAINTS)`);
  await manager.query(
    `ALTER TABLE invocations ATTACH PARTITION ${name}
       FOR VALUES FROM ('${dateOf(day)}T00:00:00Z') TO ('${dateOf(day + 1)}T00:00:00Z')`,
  );
}

/** Lets go of every day before `first`. @returns how many */
export async function dropPartitions(manager: EntityManager, first: Day): Promise<number> {
  return manager.transaction(async (inside) => {
    await lockPartitions(inside);
    const old = (await partitions(inside)).filter((day) => day < first);
    for (const day of old) await inside.query(`DROP TABLE ${partitionOf(day)}`);
    return old.length;
  });
}

async function partitions(manager: EntityManager): Promise<Day[]> {
  const rows: { name: string }[] = await manager.query(
    "SELECT c.relname AS name FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid WHERE i.inhparent = 'invocations'::regclass",
  );
  return rows.flatMap(({ name }) => {
    const [, year, month, day] = NAME.exec(name) ?? [];
    return year === undefined ? [] : [Date.parse(`${year}-${month}-${day}T00:00:00Z`) / DAY_MS];
  });
}
