import { setTimeout as delay } from 'node:timers/promises';
import type { DataSource } from 'typeorm';
import type { Log } from '#lifecycle';
import { Catalogue } from './catalogue.js';
import { dataSource } from './data-source.js';
import { withMigrationLock } from './locks.js';
import { isOutage } from './outage.js';

export interface CatalogueOptions {
  /** `postgresql://user:password@host:port/database` */
  readonly url: string;
  /** Longest wait for Postgres, ms. */
  readonly waitMs: number;
  readonly log: Log;
}

const RETRY_MS = 250;
/** How often the log says that it still waits, ms. */
const REMIND_MS = 5_000;

/**
 * Waits for Postgres, brings the schema up to date and hands over the catalogue.
 * @throws Error naming the server, when it cannot be reached in time or refuses us
 */
export async function openCatalogue({ url, waitMs, log }: CatalogueOptions): Promise<Catalogue> {
  const onIdleError = (error: Error) => log.warn(`Postgres closed an idle connection: ${error.message}`);
  const source = await reached(() => dataSource(url, onIdleError), url, waitMs, log);
  try {
    await migrate(source, log);
  } catch (error) {
    await source.destroy();
    throw error;
  }
  return new Catalogue(source);
}

async function reached(make: () => DataSource, url: string, waitMs: number, log: Log): Promise<DataSource> {
  const started = Date.now();
  let reminded = 0;
  for (;;) {
    const source = make();
    try {
      return await source.initialize();
    } catch (error) {
      const waited = Date.now() - started;
      if (!isOutage(error) || waited >= waitMs) throw unreachable(url, waited, error);
      if (waited >= reminded) {
        log.info(
          `Waiting for Postgres at ${hostOf(url)}: ${reasonOf(error)}. Giving up after ${waitMs / 1000} s.`,
        );
        reminded = waited + REMIND_MS;
      }
    }
    await delay(RETRY_MS);
  }
}

/** Under a lock on the database, so that several registries may start together; the others find nothing to do. */
async function migrate(source: DataSource, log: Log): Promise<void> {
  const runner = source.createQueryRunner();
  try {
    await withMigrationLock(runner, async () => {
      const done = await source.runMigrations({ transaction: 'each' });
      for (const { name } of done) log.info(`Migration ${name} applied.`);
    });
  } finally {
    await runner.release();
  }
}

function unreachable(url: string, waitedMs: number, cause: unknown): Error {
  const remedy = 'Remedy: start Postgres, or correct MESH_DATABASE_URL.';
  const text = `No catalogue at ${hostOf(url)} after ${Math.round(waitedMs / 1000)} s: ${reasonOf(cause)}. ${remedy}`;
  return new Error(text, { cause });
}

/** Host, port and database: the URL without its password. */
function hostOf(url: string): string {
  const { host, pathname } = new URL(url);
  return `${host}${pathname}`;
}

/** An AggregateError, of a host name with several addresses, has no text of its own. */
function reasonOf(error: unknown): string {
  const { message, errors } = error as { message?: string; errors?: readonly unknown[] };
  return message || (errors?.length ? reasonOf(errors[0]) : String(error));
}
