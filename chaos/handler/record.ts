import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';

/** One run of the handler. */
export interface Row {
  readonly id: string;
  readonly meshId: string;
  readonly source: string;
  readonly attempt: number;
  /** When it began, ms since 1970. */
  readonly at: number;
}

interface Waiting {
  readonly row: Row & { readonly run: string };
  resolve(): void;
  reject(error: unknown): void;
}

/** How long Postgres is waited for, ms. It restarts within less, unless it is left frozen. */
const PATIENCE_MS = 5_000;
const AGAIN_MS = 100;

// A run is written once, however often its statement had to be sent: the answer to it may be lost with the server.
const INSERT = `INSERT INTO handled (run, id, mesh_id, source, attempt, pid, at)
  SELECT * FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::int[], $6::int[], $7::bigint[])
  ON CONFLICT (run) DO NOTHING`;

let client: pg.Client | undefined;
let waiting: Waiting[] = [];
let writing = false;

/** Resolves when Postgres has the row. Rows that come while one batch is written make the next. */
export function record(row: Row): Promise<void> {
  return new Promise((resolve, reject) => {
    waiting.push({ row: { ...row, run: randomUUID() }, resolve, reject });
    if (!writing) void writeAll();
  });
}

async function writeAll(): Promise<void> {
  writing = true;
  while (waiting.length > 0) {
    const batch = waiting;
    waiting = [];
    await patiently(() => insert(batch)).then(
      () => batch.forEach(({ resolve }) => void resolve()),
      (error) => batch.forEach(({ reject }) => void reject(error)),
    );
  }
  writing = false;
}

async function patiently(work: () => Promise<void>): Promise<void> {
  const end = Date.now() + PATIENCE_MS;
  for (;;) {
    try {
      return await work();
    } catch (error) {
      void client?.end().catch(() => undefined);
      client = undefined;
      if (Date.now() > end) throw error;
      await delay(AGAIN_MS);
    }
  }
}

async function insert(batch: readonly Waiting[]): Promise<void> {
  client ??= await open();
  const rows = batch.map(({ row }) => row);
  await client.query(INSERT, [
    rows.map(({ run }) => run),
    rows.map(({ id }) => id),
    rows.map(({ meshId }) => meshId),
    rows.map(({ source }) => source),
    rows.map(({ attempt }) => attempt),
    rows.map(() => process.pid),
    rows.map(({ at }) => at),
  ]);
}

async function open(): Promise<pg.Client> {
  const opened = new pg.Client({
    connectionString: process.env.DATABASE_URL,
    connectionTimeoutMillis: 2_000,
    query_timeout: 3_000,
  });
  // Without a listener a server that goes away would end the worker; the next statement finds out by itself.
  opened.on('error', () => undefined);
  await opened.connect();
  return opened;
}
