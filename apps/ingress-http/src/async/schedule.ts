import {
  type ControlPath,
  decodeHeaders,
  encodeHeaders,
  encodeWork,
  scheduleSubject,
  workSubject,
} from '#contracts';
import type { StreamWriter } from '#fabric';

const NO_BYTES = new Uint8Array(0);
const LINE_END = 2;
const FIRST_LINE = 'NATS/1.0\r\n'.length;

/**
 * Headers with which JetStream itself puts a message on another subject of its stream when the time has come (ADR-51
 * of NATS). It keeps all other headers but `Nats-Msg-Id`, which is the schedule's own.
 * @param headers an encoded block
 * @param at ms since 1970
 */
export function scheduled(headers: Uint8Array, at: number, target: string): Uint8Array {
  const schedule = encodeHeaders({
    'Nats-Schedule': `@at ${new Date(at).toISOString()}`,
    'Nats-Schedule-Target': target,
  });
  return Buffer.concat([headers.subarray(0, headers.length - LINE_END), schedule.subarray(FIRST_LINE)]);
}

/** Work for now, or for later. @param startsAt ms since 1970; absent or past: at once */
export function publishAt(
  startsAt: number | undefined,
  id: string,
  path: ControlPath,
  headers: Uint8Array,
  body: Uint8Array,
  writer: StreamWriter,
): Promise<unknown> {
  if (startsAt === undefined || startsAt <= Date.now()) return writer.write(workSubject(path), headers, body);
  return writer.write(scheduleSubject(id), scheduled(headers, startsAt, workSubject(path)), body);
}

/**
 * Makes room where work for later was cancelled: what waits for its time is replaced by an empty event that is due now,
 * and that its executor drops.
 */
export function releaseSchedule(id: string, path: ControlPath, writer: StreamWriter): Promise<unknown> {
  const now = Date.now();
  const work = encodeWork(path, { id, acceptedAt: now, keep: true, meta: { source: 'http' } });
  // The stream knows the id of the one before, and would pass over this one.
  const { 'nats-msg-id': _, ...headers } = decodeHeaders(work);
  return writer.write(
    scheduleSubject(id),
    scheduled(encodeHeaders(headers), now, workSubject(path)),
    NO_BYTES,
  );
}
