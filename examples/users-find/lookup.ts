import pg from 'pg';

export interface User {
  readonly id: number;
  readonly name: string;
  readonly email: string;
}

/** Finds a user by id; `null` if there is none. */
export type Lookup = (id: number) => Promise<User | null>;

let pool: pg.Pool | undefined;

/** Made at the first event, and kept for the next ones: a handler's module outlives its calls. */
function open(): pg.Pool {
  if (pool) return pool;
  pool = new pg.Pool({
    connectionString: process.env.DATABASE_URL,
    max: 4,
    connectionTimeoutMillis: 5_000,
    query_timeout: 5_000,
    idleTimeoutMillis: 30_000,
    allowExitOnIdle: true,
  });
  // An idle connection that Postgres closes is replaced at the next query; without a listener it would end the worker.
  pool.on('error', () => undefined);
  return pool;
}

export const lookupInPostgres: Lookup = async (id) => {
  const { rows } = await open().query<User>({
    name: 'users-find',
    text: 'SELECT id, name, email FROM users WHERE id = $1',
    values: [id],
  });
  return rows[0] ?? null;
};
