import { randomBytes } from 'node:crypto';
import { mintMeshId, packInvocations } from '#contracts';

/** Records of a batch, as executors send them when there is much to do. */
const BATCH_RECORDS = 500;
const PATHS = 40;
const EXECUTOR = mintMeshId();

/** So many records of the last minutes: forty handlers, two versions of each, one run in fifty not OK. */
export function makeRecords(count) {
  const start = (Date.now() - 600_000) * 1_000;
  return Array.from({ length: count }, (_, i) => ({
    id: mintMeshId(),
    path: `bench/p${i % PATHS}`,
    version: i % 3 ? '1.0.0' : '1.1.0',
    source: i % 10 ? 'http' : 'mqtt',
    status: i % 50 ? 200 : 500,
    outcome: i % 50 ? 'ok' : 'handler-error',
    startedAt: start + i * 1_000,
    duration: 500 + (i % 1_000),
    attempt: 1,
    traceId: randomBytes(16).toString('hex'),
    caller: `198.51.${i % 200}.0/24`,
  }));
}

/** The same in batches, ready to be sent; their ids are new each time. */
export function makeBatches(records) {
  const batches = [];
  for (let from = 0; from < records.length; from += BATCH_RECORDS) {
    const batch = mintMeshId();
    const part = records.slice(from, from + BATCH_RECORDS);
    batches.push({ id: batch, json: packInvocations({ batch, executor: EXECUTOR, records: part }) });
  }
  return batches;
}

/** The same rows as COPY's text, whole: nothing is looked up or left out. */
export function copyText(records) {
  const line = (r) =>
    [
      new Date(r.startedAt / 1_000).toISOString(),
      r.id,
      r.path,
      r.version,
      r.source,
      r.status,
      r.outcome,
      r.duration,
      r.attempt,
      EXECUTOR,
      r.traceId,
      r.caller,
    ].join('\t');
  return Buffer.from(`${records.map(line).join('\n')}\n`);
}

export const BARE_COLUMNS = `started_at timestamptz NOT NULL, id uuid NOT NULL, path text NOT NULL, version text,
  source text NOT NULL, status smallint NOT NULL, outcome text NOT NULL, duration_us bigint NOT NULL,
  attempt smallint NOT NULL, executor uuid NOT NULL, trace_id uuid, caller text`;
