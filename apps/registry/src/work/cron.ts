import { MeshError } from '#contracts';

/*
 * What a manifest says in `cron` and `timezone`, as JetStream's scheduler takes it (ADR-51 of NATS): six fields, the
 * first of which are the seconds. Five fields mean second 0. The grammar is the server's own (`server/cron.go`), without
 * the extensions that other schedulers know (`L`, `W`, `#`), which it would refuse.
 */

export interface CronSchedule {
  /** Value of `Nats-Schedule`. */
  readonly schedule: string;
  /** Value of `Nats-Schedule-Time-Zone`; absent: UTC. */
  readonly timezone?: string;
}

interface Field {
  readonly name: string;
  readonly min: number;
  readonly max: number;
  readonly names: readonly string[];
}

const MONTHS = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];
const DAYS = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'];
const field = (name: string, min: number, max: number, names: readonly string[] = []): Field => ({
  name,
  min,
  max,
  names,
});
const FIELDS = [
  field('second', 0, 59),
  field('minute', 0, 59),
  field('hour', 0, 23),
  field('day of month', 1, 31),
  field('month', 1, 12, MONTHS),
  field('day of week', 0, 6, DAYS),
];
const NAMED = /^@(yearly|annually|monthly|weekly|daily|midnight|hourly)$/;
const RANGE = /^(?:([*?])|([a-z]{3}|\d{1,2})(?:-([a-z]{3}|\d{1,2}))?)(?:\/(\d{1,2}))?$/;
/** Days of the longest February, and of each other month. */
const LONGEST = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

/** @throws MeshError `bad-artifact` that says which field is wrong */
export function cronSchedule(cron: string, timezone?: string): CronSchedule {
  const schedule = cron.trim().toLowerCase();
  const zone = timezone === undefined || timezone === 'UTC' ? {} : { timezone: knownZone(timezone) };
  if (NAMED.test(schedule)) return { schedule, ...zone };
  const fields = schedule.split(/\s+/);
  if (fields.length === 5) fields.unshift('0');
  if (fields.length !== 6)
    throw wrong(cron, 'it has five fields (minute hour day month weekday), or six with the second first');
  fields[5] = sundayAsZero(fields[5] as string);
  const values = FIELDS.map((kind, at) => valuesOf(kind, fields[at] as string, cron));
  if (!everHappens(fields, values)) throw wrong(cron, 'there is no such day');
  return { schedule: fields.join(' '), ...zone };
}

/** Sunday is 7 as well in most crontabs; the server knows 0 only. */
const sundayAsZero = (text: string): string =>
  text
    .split(',')
    .map((part) => part.replace(/^7$/, '0').replace(/^(\w+)-7$/, '$1-6,0'))
    .join(',');

/** @throws MeshError `bad-artifact` */
function valuesOf(kind: Field, text: string, cron: string): Set<number> {
  const values = new Set<number>();
  for (const part of text.split(',')) {
    const [first, last, step] = rangeOf(kind, part, cron);
    for (let value = first; value <= last; value += step) values.add(value);
  }
  return values;
}

function rangeOf(kind: Field, part: string, cron: string): [first: number, last: number, step: number] {
  const [whole, star, from = '', to, every] = RANGE.exec(part) ?? [];
  if (whole === undefined) throw wrong(cron, `${kind.name} ${JSON.stringify(part)} is not understood`);
  const first = star ? kind.min : numberOf(kind, from);
  // "5/15" is from 5 on, every 15.
  const last = star || (to === undefined && every !== undefined) ? kind.max : numberOf(kind, to ?? from);
  const step = Number(every ?? 1);
  const isIn = first >= kind.min && last <= kind.max && first <= last && step > 0;
  if (!isIn) throw wrong(cron, `${kind.name} ${JSON.stringify(part)} is not within ${kind.min}–${kind.max}`);
  return [first, last, step];
}

/** NaN for a name of another field, which is within no bounds. */
function numberOf({ names, min }: Field, text: string): number {
  const at = names.indexOf(text);
  return at < 0 ? Number(text) : at + min;
}

/** A day that no month has, such as 30 February. A weekday that is stated may be instead of the day of the month. */
function everHappens(fields: readonly string[], values: readonly ReadonlySet<number>[]): boolean {
  const [, , , days, months] = values;
  if (!/^[*?](\/1)?$/.test(fields[5] as string)) return true;
  const firstDay = Math.min(...(days ?? []));
  return [...(months ?? [])].some((month) => firstDay <= (LONGEST[month - 1] ?? 0));
}

function knownZone(timezone: string): string {
  const isZone = /^[A-Za-z][A-Za-z0-9_+-]*(\/[A-Za-z0-9_+-]+){0,2}$/.test(timezone);
  if (isZone && isKnown(timezone)) return timezone;
  throw new MeshError('bad-artifact', `The time zone ${JSON.stringify(timezone)} is not known.`);
}

function isKnown(timeZone: string): boolean {
  try {
    return new Intl.DateTimeFormat('en', { timeZone }) !== undefined;
  } catch {
    return false;
  }
}

const wrong = (cron: string, why: string) =>
  new MeshError('bad-artifact', `The cron trigger ${JSON.stringify(cron)} cannot be scheduled: ${why}.`);
