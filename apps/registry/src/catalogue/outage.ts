/*
 * Which failures mean "Postgres is away, try again", and which are our own mistake.
 */

// https://www.postgresql.org/docs/18/errcodes-appendix.html; node's own codes for sockets beside them.
const OUTAGE_CODES = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENETUNREACH',
  '25P03', // idle_in_transaction_session_timeout
  '25006', // read_only_sql_transaction: a standby answered
  '53300', // too_many_connections
  '55P03', // lock_not_available
  '57014', // query_canceled: statement_timeout
  '57P01', // admin_shutdown
  '57P02', // crash_shutdown
  '57P03', // cannot_connect_now: starting up
]);
// pg reports these by text alone.
const OUTAGE_TEXT =
  /^(Connection terminated|timeout exceeded when trying to connect|timeout expired|Query read timeout|Client has encountered a connection error|Client was closed|Cannot use a pool after)/;

/** What an error of node, of pg, or of TypeORM around one of pg, may carry. */
interface Failure {
  readonly code?: unknown;
  readonly message?: unknown;
  /** What pg threw, where TypeORM wraps it. */
  readonly driverError?: Failure;
  /** Of an AggregateError: one for each address of a host name. */
  readonly errors?: readonly Failure[];
}

/** True when the same request may succeed once Postgres is back. */
export function isOutage(error: unknown): boolean {
  const { code, message, driverError, errors } = (error ?? {}) as Failure;
  if (typeof code === 'string' && (OUTAGE_CODES.has(code) || code.startsWith('08'))) return true;
  if (typeof message === 'string' && OUTAGE_TEXT.test(message)) return true;
  if (driverError !== undefined && driverError !== error && isOutage(driverError)) return true;
  return errors?.some(isOutage) ?? false;
}

/** SQLSTATE of a failed statement, if it has one. */
export function sqlState(error: unknown): string | undefined {
  const code = (error as Failure | undefined)?.driverError?.code;
  return typeof code === 'string' ? code : undefined;
}
