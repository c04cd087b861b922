import { readdirSync, readFileSync } from 'node:fs';
import { residentBytes } from '../watch.js';

/** So many are looked at: who has more is stopped by other bounds. */
const MOST = 256;

/**
 * The group of each process that was there at the last look. It is asked once: a process is born into its group, and one
 * that a shell puts into another later is still this program's.
 */
const groups = new Map<number, number>();

/**
 * Bytes in memory of the processes of a group together, whoever of them started which and whether he still runs; 0 where
 * there is no /proc.
 */
export function groupBytes(group: number): number {
  look();
  let bytes = 0;
  let count = 0;
  for (const [pid, its] of groups) if (its === group && count++ < MOST) bytes += residentBytes(pid);
  return bytes;
}

function look(): void {
  const pids = new Set(running());
  for (const pid of groups.keys()) if (!pids.has(pid)) groups.delete(pid);
  for (const pid of pids) if (!groups.has(pid)) groups.set(pid, groupOf(pid));
}

function running(): number[] {
  try {
    return readdirSync('/proc').map(Number).filter(Number.isInteger);
  } catch {
    return [];
  }
}

/** proc(5): the fifth field of stat; the second, a name in brackets, may have any character. 0 of one that has ended. */
function groupOf(pid: number): number {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    return Number(stat.slice(stat.lastIndexOf(')')).split(' ', 4)[3]);
  } catch {
    return 0;
  }
}
