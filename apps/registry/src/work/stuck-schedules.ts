import { CRON_SUBJECTS, encodeHeaders, isMeshError, SCHEDULE_SUBJECTS } from '#contracts';
import type { StockMessage, StreamStock, StreamWriter } from '#fabric';

/** Overdue by so long, ms, work is not just about to be handed over: longer than clocks differ, or a server starts. */
const OVERDUE_MS = 30_000;
/** Schedules that are looked at in one pass; the others wait for the next. */
const AT_ONCE = 500;
/** Of its bytes; what is larger than the rest was refused already. */
const NEARLY_FULL = 0.95;
const WORK = 'mesh.work.>';
const AT = '@at ';
const CRON = CRON_SUBJECTS.slice(0, -1);

/**
 * Schedules that the server does not carry out any more. Where it cannot put work on the target (the stream, or the
 * target's share of it, is full) nats-server (2.14) tries neither again nor for the next time, until it is restarted or
 * the schedule is written anew. So it is written anew:
 *
 *   work for later   when it is overdue
 *   cron triggers    when the target had no room as it was looked at, and has some now
 *
 * Written only over the very message that was read: what was carried out meanwhile is not carried out twice.
 */
export class StuckSchedules {
  #from = 1;
  readonly #hindered = new Set<string>();

  /**
   * One pass.
   * @param maxPerPath events of one path that may wait
   * @param now ms since 1970
   * @returns how many were written anew
   * @throws MeshError `not-connected`
   */
  async look(stock: StreamStock, writer: StreamWriter, maxPerPath: number, now: number): Promise<number> {
    const { last, bytes, maxBytes } = await stock.state();
    let message = await this.#next(stock, last);
    if (!message) return 0;
    const waiting = await stock.subjects(WORK);
    const hasRoom = (target: string) =>
      bytes < maxBytes * NEARLY_FULL && (waiting.get(target) ?? 0) < maxPerPath;
    let count = 0;
    for (let seen = 1; message && seen <= AT_ONCE; seen++) {
      const isStuck = this.#isStuck(message, hasRoom(message.headers['nats-schedule-target'] ?? ''), now);
      if (isStuck && (await writeAnew(message, writer))) {
        this.#hindered.delete(message.subject);
        count++;
      }
      message = await this.#next(stock, last);
    }
    return count;
  }

  /** Up to the last place at the start of the pass: what it writes is not for it. After that it begins again. */
  async #next(stock: StreamStock, last: number): Promise<StockMessage | undefined> {
    const found = await stock.next(SCHEDULE_SUBJECTS, this.#from);
    const message = found && found.seq <= last ? found : undefined;
    this.#from = message ? message.seq + 1 : 1;
    return message;
  }

  #isStuck({ subject, headers }: StockMessage, hasRoom: boolean, now: number): boolean {
    if (!subject.startsWith(CRON)) return hasRoom && now - dueAt(headers['nats-schedule']) > OVERDUE_MS;
    if (!hasRoom) this.#hindered.add(subject);
    return hasRoom && this.#hindered.has(subject);
  }
}

/** Infinity for what is no time. */
function dueAt(schedule = ''): number {
  const time = schedule.startsWith(AT) ? Date.parse(schedule.slice(AT.length)) : Number.NaN;
  return Number.isNaN(time) ? Number.POSITIVE_INFINITY : time;
}

/** @returns false when it is not there any more, or there is no room yet */
async function writeAnew(
  { subject, headers, seq, body }: StockMessage,
  writer: StreamWriter,
): Promise<boolean> {
  const own = Object.entries(headers).filter(([name]) => !name.startsWith('nats-'));
  const zone = headers['nats-schedule-time-zone'];
  const block = encodeHeaders({
    ...Object.fromEntries(own),
    'Nats-Schedule': headers['nats-schedule'] ?? '',
    'Nats-Schedule-Target': headers['nats-schedule-target'] ?? '',
    ...(zone === undefined ? {} : { 'Nats-Schedule-Time-Zone': zone }),
    'Nats-Expected-Last-Subject-Sequence': String(seq),
  });
  try {
    await writer.write(subject, block, body);
    return true;
  } catch (error) {
    if (isMeshError(error) && (error.code === 'revision-mismatch' || error.code === 'queue-full'))
      return false;
    throw error;
  }
}
