import type { EntityManager } from 'typeorm';
import type { OutcomeCode, Source } from '#contracts';

/** Which invocations to list; all that is said must hold. */
export interface InvocationQuery {
  readonly path?: string;
  readonly version?: string;
  readonly status?: number;
  readonly source?: Source;
  /** RFC 3339; inclusive. */
  readonly since?: string;
  /** RFC 3339; exclusive. */
  readonly until?: string;
}

/** Where a page ended. */
export interface Place {
  /** RFC 3339 with microseconds. */
  readonly startedAt: string;
  readonly id: string;
}

export interface InvocationView extends Place {
  readonly path: string;
  readonly version: string | null;
  readonly source: Source;
  readonly caller: string | null;
  readonly status: number;
  readonly outcome: OutcomeCode;
  /** Microseconds. */
  readonly duration: number;
  readonly attempt: number;
  /** 32 hexadecimal digits. */
  readonly traceId: string | null;
  readonly executor: string;
}

/** Up to so many kinds, each is asked for its newest: a few index descents a day of records. */
const FEW_KINDS = 50;
/** With more, the page is first looked for among so many of the newest records of all kinds. */
const NEWEST = 20_000;

const IN_ORDER = 'ORDER BY started_at DESC, id DESC';
const IN_RANGE =
  '(started_at, id) < ($2::timestamptz, $3::uuid) AND started_at <= $2::timestamptz AND started_at >= $1::timestamptz';
const LAST_UUID = 'ffffffff-ffff-ffff-ffff-ffffffffffff';
const FIRST_UUID = '00000000-0000-0000-0000-000000000000';

/*
 * The three ways to a page; each returns the newest `$4` in range. What any of them reads does not grow with the
 * number of records, only with the number of kinds and of days.
 */
const PLAIN = `SELECT * FROM invocations WHERE ${IN_RANGE} ${IN_ORDER} LIMIT $4`;
const AMONG_NEWEST = `SELECT * FROM (SELECT * FROM invocations WHERE ${IN_RANGE} ${IN_ORDER} LIMIT ${NEWEST}) newest
  WHERE kind = ANY($5::int[]) ${IN_ORDER} LIMIT $4`;
const OF_EACH_KIND = `SELECT found.* FROM unnest($5::int[]) AS wanted (of)
  CROSS JOIN LATERAL (SELECT * FROM invocations WHERE kind = wanted.of AND ${IN_RANGE} ${IN_ORDER} LIMIT $4) found
  ${IN_ORDER} LIMIT $4`;

/** As the API shows it; the time with its microseconds, which a Date would lose. */
const shown = (page: string): string => `
  SELECT to_char(p.started_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS "startedAt", p.id,
    k.path, k.version, k.source, p.caller, k.status, k.outcome, p.duration_us::float8 AS duration, p.attempt,
    replace(p.trace_id::text, '-', '') AS "traceId", p.executor
  FROM (${page}) p JOIN invocation_kinds k USING (kind)
  ORDER BY p.started_at DESC, p.id DESC`;

/** Newest first. */
export async function readInvocations(
  manager: EntityManager,
  query: InvocationQuery,
  after: Place | undefined,
  limit: number,
): Promise<InvocationView[]> {
  const range = [query.since ?? '-infinity', ...endOf(query, after), limit];
  const kinds = await kindsOf(manager, query);
  if (kinds === 'all') return manager.query(shown(PLAIN), range);
  if (kinds.length > FEW_KINDS) {
    const recent: InvocationView[] = await manager.query(shown(AMONG_NEWEST), [...range, kinds]);
    if (recent.length === limit) return recent;
  }
  return kinds.length === 0 ? [] : manager.query(shown(OF_EACH_KIND), [...range, kinds]);
}

/** More attempts than any manifest may ask for. */
const MAX_RUNS = 200;
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** There is no index of ids: what is read is what its path ran in that time. */
export async function readRunsOf(
  manager: EntityManager,
  id: string,
  path: string,
  from: Date,
  to: Date,
): Promise<InvocationView[]> {
  if (!UUID.test(id)) return [];
  const page = `SELECT i.* FROM invocation_kinds k JOIN invocations i USING (kind)
    WHERE k.path = $1 AND i.started_at BETWEEN $2 AND $3 AND i.id = $4 LIMIT ${MAX_RUNS}`;
  const found: InvocationView[] = await manager.query(shown(page), [path, from, to, id]);
  return found.reverse();
}

/** What the page ends before: the place where the last one ended, or `until`, whichever is earlier. */
function endOf({ until = 'infinity' }: InvocationQuery, after: Place | undefined): [string, string] {
  const earlier = after && (until === 'infinity' || Date.parse(after.startedAt) < Date.parse(until));
  if (earlier) return [after.startedAt, after.id];
  // Records of that very microsecond are not before it; of all time, all are.
  return [until, until === 'infinity' ? LAST_UUID : FIRST_UUID];
}

async function kindsOf(manager: EntityManager, query: InvocationQuery): Promise<number[] | 'all'> {
  const filters = (['path', 'version', 'source', 'status'] as const).filter(
    (column) => query[column] !== undefined,
  );
  if (filters.length === 0) return 'all';
  const holds = filters.map((column, i) => `${column} = $${i + 1}`).join(' AND ');
  const rows: { kind: number }[] = await manager.query(
    `SELECT kind FROM invocation_kinds WHERE ${holds}`,
    filters.map((column) => query[column]),
  );
  return rows.map(({ kind }) => kind);
}
