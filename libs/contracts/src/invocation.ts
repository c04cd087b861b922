import { z } from 'zod';
import { controlPathFault } from './control-path.js';
import { type OutcomeCode, SOURCES, type Source } from './envelope.js';
import { faultsOf } from './manifest.js';

/** What is kept of one run of a handler: enough to find it again and to know how it ended, and none of its content. */
export interface InvocationRecord {
  /** The mesh-id of the event. */
  readonly id: string;
  readonly path: string;
  /** The version that ran; absent when none did. */
  readonly version?: string;
  readonly source: Source;
  /** HTTP's numbers. */
  readonly status: number;
  readonly outcome: OutcomeCode;
  /** Microseconds since 1970, by the executor's clock. */
  readonly startedAt: number;
  /** Microseconds. */
  readonly duration: number;
  /** 1 for the first. */
  readonly attempt: number;
  /** W3C trace id, 32 hexadecimal digits. */
  readonly traceId?: string;
  /** Who called, as far as the source says and privacy allows: ADR 0080. */
  readonly caller?: string;
}

/** The records of one executor that travel in one message. */
export interface InvocationBatch {
  /** UUIDv7; the same batch sent again is written once. */
  readonly batch: string;
  /** The executor's own id, a UUID. */
  readonly executor: string;
  readonly records: readonly InvocationRecord[];
}

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
const TRACE_ID = /^[0-9a-f]{32}$/;
// Postgres keeps no NUL, and no half of a surrogate pair.
const NOT_TEXT = /\0|\p{Surrogate}/u;
const MAX_RECORDS = 10_000;
const MAX_TEXT = 200;
/** The year 2200: what is beyond is no clock. */
const MAX_TIME = 7_258_118_400_000_000;

/** Checked as a whole: a schema for each of its items would be two thirds of the time that a batch takes to read. */
const column = <T>(of: string, holds: (item: unknown) => boolean) =>
  z.custom<readonly T[]>(
    (value) =>
      Array.isArray(value) && value.length > 0 && value.length <= MAX_RECORDS && value.every((v) => holds(v)),
    `not a column of ${of}`,
  );
const whole = (from: number, to: number) => (item: unknown) =>
  Number.isSafeInteger(item) && (item as number) >= from && (item as number) <= to;
const like = (pattern: RegExp) => (item: unknown) => typeof item === 'string' && pattern.test(item);
const isText = (item: unknown) => typeof item === 'string' && item.length <= MAX_TEXT && !NOT_TEXT.test(item);
const orNull = (holds: (item: unknown) => boolean) => (item: unknown) => item === null || holds(item);

const kind = z.object({
  path: z.string().refine((text) => controlPathFault(text) === undefined, 'not a control path'),
  version: z.string().refine(isText, 'not text').optional(),
  source: z.enum(SOURCES),
  status: z.int().min(100).max(999),
  outcome: z
    .string()
    .regex(/^[a-z][a-z0-9-]{0,63}$/)
    .transform((text) => text as OutcomeCode),
});
/*
 * On the wire a batch is columns: what many records have in common stands once in `kinds`, and each record names its
 * kind by number. That makes 75 bytes of a record, a third of what it takes by itself.
 */
const wire = z.object({
  batch: z.string().regex(UUID),
  executor: z.string().regex(UUID),
  kinds: z.array(kind).min(1).max(MAX_RECORDS),
  kind: column<number>('numbers of kinds', whole(0, MAX_RECORDS)),
  id: column<string>('UUIDs', like(UUID)),
  at: column<number>('times', whole(0, MAX_TIME)),
  duration: column<number>('durations', whole(0, Number.MAX_SAFE_INTEGER)),
  attempt: column<number>('attempts', whole(1, 32_767)),
  trace: column<string | null>('trace ids', orNull(like(TRACE_ID))),
  caller: column<string | null>('texts', orNull(isText)),
});
type Wire = z.infer<typeof wire>;

/** A batch as the JSON that travels. */
export function packInvocations({ batch, executor, records }: InvocationBatch): string {
  const kinds = new Kinds();
  const kind: number[] = [];
  const id: string[] = [];
  const at: number[] = [];
  const duration: number[] = [];
  const attempt: number[] = [];
  const trace: (string | null)[] = [];
  const caller: (string | null)[] = [];
  // One walk: what a callback a column costs is a fortieth of an executor's time.
  for (const record of records) {
    kind.push(kinds.numberOf(record));
    id.push(record.id);
    at.push(record.startedAt);
    duration.push(record.duration);
    attempt.push(record.attempt);
    trace.push(record.traceId ?? null);
    caller.push(record.caller ?? null);
  }
  const columns = { kind, id, at, duration, attempt, trace, caller };
  return JSON.stringify({ batch, executor, kinds: kinds.all, ...columns } satisfies Wire);
}

/** @throws Error naming what is wrong: the batch can never be read, however often it is delivered */
export function unpackInvocations(json: string): InvocationBatch {
  const result = wire.safeParse(JSON.parse(json));
  if (!result.success) throw new Error(faultsOf(result.error).slice(0, 3).join('; '));
  const parsed = result.data;
  const { batch, executor, id } = parsed;
  const columns = [parsed.kind, parsed.at, parsed.duration, parsed.attempt, parsed.trace, parsed.caller];
  if (columns.some(({ length }) => length !== id.length)) throw new Error('its columns differ in length');
  return { batch, executor, records: id.map((_, row) => recordOf(parsed, row)) };
}

function recordOf(columns: Wire, row: number): InvocationRecord {
  const kind = columns.kinds[columns.kind[row] as number];
  if (!kind) throw new Error(`record ${row} is of a kind that it does not have`);
  const traceId = columns.trace[row];
  const caller = columns.caller[row];
  return {
    ...kind,
    id: columns.id[row] as string,
    startedAt: columns.at[row] as number,
    duration: columns.duration[row] as number,
    attempt: columns.attempt[row] as number,
    ...(traceId == null ? undefined : { traceId }),
    ...(caller == null ? undefined : { caller }),
  };
}

type Kind = Wire['kinds'][number];

class Kinds {
  readonly all: Kind[] = [];
  readonly #numbers = new Map<string, number>();
  #latest: InvocationRecord | undefined;
  #number = 0;

  /** Most records are of the kind of the one before. */
  numberOf(record: InvocationRecord): number {
    if (this.#latest === undefined || !isAlike(this.#latest, record)) this.#number = this.#lookUp(record);
    this.#latest = record;
    return this.#number;
  }

  #lookUp({ path, version, source, status, outcome }: InvocationRecord): number {
    const key = `${path} ${version} ${source} ${status} ${outcome}`;
    const known = this.#numbers.get(key);
    if (known !== undefined) return known;
    this.#numbers.set(key, this.all.length);
    return this.all.push({ path, version, source, status, outcome }) - 1;
  }
}

const isAlike = (a: InvocationRecord, b: InvocationRecord): boolean =>
  a.path === b.path &&
  a.version === b.version &&
  a.source === b.source &&
  a.status === b.status &&
  a.outcome === b.outcome;
