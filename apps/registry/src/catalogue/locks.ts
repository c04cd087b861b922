import type { EntityManager, QueryRunner } from 'typeorm';

/*
 * Advisory locks: several registries share one catalogue, and each of these is done by one of them at a time.
 * The first key marks the mesh's locks (the letters "mesh"), so that they never meet another program's.
 */
const MESH = 0x6d657368;
const MIGRATE = 1;
const PUBLISH = 2;
const WRITE_ROUTES = 3;
const KEEP_WORK = 4;
/** Appending to the audit takes number 20: see the migration of its chain. */
const PARTITIONS = 21;

/** Longest wait for another registry's migrations, in ms. */
const MIGRATION_WAIT_MS = 120_000;

/**
 * Holds the migration lock on this runner's own session, so that it ends with the session if we die.
 * It must not be a transaction's lock: each migration has a transaction of its own.
 */
export async function withMigrationLock<T>(runner: QueryRunner, work: () => Promise<T>): Promise<T> {
  await runner.query(`SET statement_timeout = ${MIGRATION_WAIT_MS}`);
  await runner.query('SELECT pg_advisory_lock($1, $2)', [MESH, MIGRATE]);
  try {
    return await work();
  } finally {
    await runner.query('SELECT pg_advisory_unlock($1, $2)', [MESH, MIGRATE]);
    await runner.query('RESET statement_timeout');
  }
}

/**
 * Publishing, one at a time over all registries, until the transaction ends. One lock for all paths, not one a
 * path: two handlers that claim the same HTTP pattern must see each other, and a publication takes milliseconds.
 */
export async function lockPublishing(manager: EntityManager): Promise<void> {
  await manager.query('SELECT pg_advisory_xact_lock($1, $2)', [MESH, PUBLISH]);
}

/** Writing KV from the catalogue, one registry at a time, so that an older route never overwrites a newer one. */
export async function lockRouteWriting(manager: EntityManager): Promise<void> {
  await manager.query('SELECT pg_advisory_xact_lock($1, $2)', [MESH, WRITE_ROUTES]);
}

/** Adding and dropping partitions, one registry at a time. */
export async function lockPartitions(manager: EntityManager): Promise<void> {
  await manager.query('SELECT pg_advisory_xact_lock($1, $2)', [MESH, PARTITIONS]);
}

/**
 * Looking after streams, consumers and schedules of work, by one registry at a time, until the transaction ends.
 * @returns whether it is this one: nobody waits for a thing that will soon be done
 */
export async function tryLockWorkKeeping(manager: EntityManager): Promise<boolean> {
  const sql = 'SELECT pg_try_advisory_xact_lock($1, $2) AS ours';
  const [row]: { ours: boolean }[] = await manager.query(sql, [MESH, KEEP_WORK]);
  return row?.ours ?? false;
}
