import { wrong } from './remote.js';

const UNITS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3_600, d: 86_400 };

/** A time as RFC 3339: `2h` is two hours ago. @throws CliError */
export function timeArgument(text: string, _before?: unknown, now = Date.now()): string {
  const [, count, unit = ''] = /^(\d{1,6})([smhd])$/.exec(text) ?? [];
  const time = count === undefined ? Date.parse(text) : now - Number(count) * (UNITS[unit] ?? 0) * 1_000;
  if (!Number.isNaN(time)) return new Date(time).toISOString();
  throw wrong(`${JSON.stringify(text)} is no time.`, 'Write it like 2h, 7d, or 2026-01-31T10:00:00Z.');
}
