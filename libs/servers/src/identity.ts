import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

/*
 * Which process a pid means. A pid alone is not enough: after its process ended the number is given to another,
 * and ending that one would be a crime. A pid with the time at which its process started is one process for ever.
 */
export interface ProcessIdentity {
  readonly pid: number;
  /** Boot and start time on Linux, the start date elsewhere; only ever compared. */
  readonly started: string;
}

/** The identity of a running process; undefined when there is none, or only its zombie. */
export function identify(pid: number): ProcessIdentity | undefined {
  const started = process.platform === 'linux' ? startedOnLinux(pid) : startedElsewhere(pid);
  return started === undefined ? undefined : { pid, started };
}

/** Whether that very process still runs. */
export function isAlive(identity: ProcessIdentity): boolean {
  return identify(identity.pid)?.started === identity.started;
}

// proc(5), /proc/<pid>/stat: field 3 is the state, field 22 the start time in ticks since boot. Field 2 is the
// name in brackets, which may hold spaces and brackets itself, so counting begins behind the last one.
function startedOnLinux(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const [state, ticks] = [fields[0], fields[22 - 3]];
    return state === 'Z' || state === 'X' ? undefined : `${bootId()}/${ticks}`;
  } catch {
    return undefined;
  }
}

// Ticks count from boot: without the boot's id, a process of this boot could pass for one of the last.
function bootId(): string {
  return readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim();
}

function startedElsewhere(pid: number): string | undefined {
  const { stdout } = spawnSync('ps', ['-o', 'lstart=', '-p', String(pid)], { encoding: 'utf8' });
  return stdout?.trim() || undefined;
}

/** Sends a signal to exactly this process; one that ended in the meantime is no error. */
export function signal(identity: ProcessIdentity, name: NodeJS.Signals): void {
  if (!isAlive(identity)) return;
  try {
    process.kill(identity.pid, name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}
