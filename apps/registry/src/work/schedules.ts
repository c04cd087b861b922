import { createHash } from 'node:crypto';
import {
  asciiJson,
  type ControlPath,
  CRON_SUBJECTS,
  cronSubject,
  encodeHeaders,
  isMeshError,
  type Route,
  workSubject,
} from '#contracts';
import type { StreamStock, StreamWriter } from '#fabric';
import type { Log } from '#lifecycle';
import { cronSchedule } from './cron.js';

/** Part of what the name of a schedule is made of: another number makes all of them anew. */
const FORMAT = 1;
const NO_BYTES = new Uint8Array(0);

/** A schedule as JetStream keeps it: it puts a message before the handler, whether or not a registry is there. */
export interface Schedule {
  readonly subject: string;
  readonly headers: Uint8Array;
}

/** By subject: what the live routes ask for. The heaviest live version speaks for the route. */
export function schedulesOf(routes: Iterable<Route>): Map<string, Schedule> {
  const found = new Map<string, Schedule>();
  for (const { path, versions } of routes)
    for (const trigger of versions[0]?.triggers ?? []) {
      if (!('cron' in trigger)) continue;
      const schedule = scheduleOf(path, trigger.cron, trigger.timezone);
      if (schedule) found.set(schedule.subject, schedule);
    }
  return found;
}

/** `undefined` for what an older registry let in and nobody can schedule. */
function scheduleOf(path: ControlPath, cron: string, zone: string | undefined): Schedule | undefined {
  try {
    const { schedule, timezone } = cronSchedule(cron, zone);
    const hash = createHash('sha256')
      .update(JSON.stringify([FORMAT, schedule, timezone]))
      .digest('hex');
    const attributes = { cron, ...(timezone === undefined ? {} : { timezone }) };
    return {
      subject: cronSubject(path, hash.slice(0, 16)),
      headers: encodeHeaders({
        'Nats-Schedule': schedule,
        ...(timezone === undefined ? {} : { 'Nats-Schedule-Time-Zone': timezone }),
        'Nats-Schedule-Target': workSubject(path),
        // Written once: where another registry was quicker, this one is refused.
        'Nats-Expected-Last-Subject-Sequence': '0',
        'mesh-meta': asciiJson({ source: 'cron', attributes }),
      }),
    };
  } catch (error) {
    if (isMeshError(error)) return undefined;
    throw error;
  }
}

/**
 * Makes the schedules in the stream what the routes ask for. What is there is known by its name alone.
 * @returns how many were added and removed
 */
export async function equalizeSchedules(
  stock: StreamStock,
  writer: StreamWriter,
  wanted: ReadonlyMap<string, Schedule>,
  log: Log,
): Promise<number> {
  const there = await stock.subjects(CRON_SUBJECTS);
  const gone = [...there.keys()].filter((subject) => !wanted.has(subject));
  const missing = [...wanted.values()].filter(({ subject }) => !there.has(subject));
  for (const subject of gone) await stock.purge(subject);
  for (const schedule of missing) await add(writer, schedule, log);
  return gone.length + missing.length;
}

async function add(writer: StreamWriter, { subject, headers }: Schedule, log: Log): Promise<void> {
  try {
    await writer.write(subject, headers, NO_BYTES);
  } catch (error) {
    if (!isMeshError(error)) throw error;
    // Another registry was quicker; or the server refuses this one, which must not hold up the others: it is tried again.
    if (error.code !== 'revision-mismatch') log.warn(`${subject} cannot be scheduled.`, error);
  }
}
