import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

/*
 * Processor time as the kernel accounts it: all threads of a process, user and system. Unlike throughput it hardly
 * depends on what else the machine does meanwhile.
 */

let microsecondsPerTick;

/** Microseconds of processor time that a process has used so far. @throws where there is no /proc (not Linux) */
export function cpuMicroseconds(pid) {
  return sumOf(pid, 2);
}

/** The same, with what those of its children used that have ended. */
export const cpuWithEndedChildren = (pid) => sumOf(pid, 4);

function sumOf(pid, count) {
  microsecondsPerTick ??= 1e6 / Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }));
  const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
  // proc(5): the name, in brackets, may hold spaces; utime, stime, cutime and cstime are the 12th to 15th field after it.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return fields.slice(11, 11 + count).reduce((sum, ticks) => sum + Number(ticks), 0) * microsecondsPerTick;
}

/**
 * Runs `work` and tells what each process used meanwhile.
 * @param {Record<string, number>} pids by role
 * @returns {Promise<{ result: unknown, used: Record<string, number> }>} microseconds by role
 */
export async function accounted(pids, work) {
  const roles = Object.keys(pids);
  const before = roles.map((role) => cpuMicroseconds(pids[role]));
  const result = await work();
  const used = Object.fromEntries(
    roles.map((role, index) => [role, cpuMicroseconds(pids[role]) - before[index]]),
  );
  return { result, used };
}
