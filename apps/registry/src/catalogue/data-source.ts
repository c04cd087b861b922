import pg from 'pg';
import { DataSource } from 'typeorm';
import { ENTITIES } from './entities.js';
import { Catalogue1763760000000 } from './migrations/1763760000000-catalogue.js';
import { ControlPlane1763900000000 } from './migrations/1763900000000-control-plane.js';
import { AuditChain1763910000000 } from './migrations/1763910000000-audit-chain.js';
import { Invocations1763920000000 } from './migrations/1763920000000-invocations.js';
import { Limits1763930000000 } from './migrations/1763930000000-limits.js';

/** Bounds in ms: the registry answers 503 rather than hang with a database that is away or frozen. */
const CONNECT_MS = 5_000;
const LOCK_MS = 10_000;
const STATEMENT_MS = 15_000;
/** The server may be frozen and unable to keep its own bound; then the client gives up. */
const QUERY_MS = 20_000;
/** A registry that stops dead while holding a lock loses it after this. */
const IDLE_IN_TRANSACTION_MS = 60_000;
const POOL = 10;

/**
 * Always has a listener. Pool and TypeORM each have one of their own, but between the two is a moment without any; an
 * error that comes with the server's greeting falls into it, and would end the process. Whoever uses the client learns
 * of it by the next statement.
 */
class ListenedClient extends pg.Client {
  constructor(config?: string | pg.ClientConfig) {
    super(config);
    this.on('error', () => undefined);
  }
}

/** Never `synchronize`: the migrations alone change the schema. */
export function dataSource(url: string, onIdleError: (error: Error) => void): DataSource {
  return new DataSource({
    type: 'postgres',
    url,
    entities: ENTITIES,
    migrations: [
      Catalogue1763760000000,
      ControlPlane1763900000000,
      AuditChain1763910000000,
      Invocations1763920000000,
      Limits1763930000000,
    ],
    synchronize: false,
    migrationsRun: false,
    logging: false,
    poolSize: POOL,
    connectTimeoutMS: CONNECT_MS,
    applicationName: 'mesh-registry',
    // An idle client that loses its server raises an event; without a listener it would end the process.
    poolErrorHandler: onIdleError,
    extra: {
      Client: ListenedClient,
      keepAlive: true,
      statement_timeout: STATEMENT_MS,
      lock_timeout: LOCK_MS,
      query_timeout: QUERY_MS,
      idle_in_transaction_session_timeout: IDLE_IN_TRANSACTION_MS,
    },
  });
}
