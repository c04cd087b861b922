import type { EntityManager } from 'typeorm';
import type { Database } from './database.js';
import { lockPublishing } from './locks.js';

/** Which artifacts versions name. A version that was deleted names none. */
export class ArtifactNames {
  constructor(private readonly database: Database) {}

  /** Those of the digests that no version names. */
  unnamed(digests: readonly string[]): Promise<string[]> {
    return this.database.run((manager) => unnamed(manager, digests));
  }

  /** Runs `work` with those of the digests that no version names, while nothing is being published. Keep it short. */
  whileUnnamed(
    digests: readonly string[],
    work: (unnamed: readonly string[]) => Promise<void>,
  ): Promise<void> {
    return this.database.transaction(async (manager) => {
      await lockPublishing(manager);
      await work(await unnamed(manager, digests));
    });
  }
}

async function unnamed(manager: EntityManager, digests: readonly string[]): Promise<string[]> {
  const rows: { digest: string }[] = await manager.query(
    `SELECT digest FROM unnest($1::text[]) AS given (digest)
      WHERE NOT EXISTS (
        SELECT FROM versions v LEFT JOIN removals r USING (path, version)
         WHERE v.digest = given.digest AND r.version IS NULL)`,
    [digests],
  );
  return rows.map(({ digest }) => digest);
}
