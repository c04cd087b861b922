/*
 * One bootstrap at a time in a checkout: two `npm ci` at once destroy each other's work. The lock names its holders,
 * the bootstrap and what it runs at the moment: killed, the one may leave the other behind, still at work. A lock
 * whose holders are all gone is taken over.
 */
import { linkSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

const POLL_MS = 100;

/**
 * Runs `work` alone; while another process is at it, waits, telling its pid once. `work` is given a function for the
 * pids of the processes that it starts.
 */
export async function inTurn(lock, onWait, work) {
  mkdirSync(dirname(lock), { recursive: true, mode: 0o711 });
  const self = identify(process.pid);
  for (let told = false; !take(lock, [self]); ) {
    const holders = holdersOf(lock);
    const holder = holders?.find((one) => identify(one.pid)?.started === one.started);
    if (holders && !holder) dropStale(lock, holders);
    if (!holder) continue;
    if (!told) onWait(holder.pid);
    told = true;
    await delay(POLL_MS);
  }
  try {
    return await work((pid) => put(lock, [self, identify(pid)].filter(Boolean)));
  } finally {
    rmSync(lock, { force: true });
  }
}

/** The lock appears with its content in it, or not at all. */
function take(lock, holders) {
  const part = `${lock}.${process.pid}`;
  writeFileSync(part, JSON.stringify(holders));
  try {
    linkSync(part, lock);
    return true;
  } catch (error) {
    if (error.code === 'EEXIST') return false;
    throw error;
  } finally {
    rmSync(part, { force: true });
  }
}

function put(lock, holders) {
  const part = `${lock}.${process.pid}`;
  writeFileSync(part, JSON.stringify(holders));
  renameSync(part, lock);
}

function holdersOf(lock) {
  try {
    return JSON.parse(readFileSync(lock, 'utf8'));
  } catch {
    return undefined;
  }
}

/** Renamed before it is removed, and looked at again: another process may have taken the turn in between. */
function dropStale(lock, stale) {
  const aside = `${lock}.stale-${process.pid}`;
  try {
    renameSync(lock, aside);
    if (JSON.stringify(holdersOf(aside)) !== JSON.stringify(stale)) linkSync(aside, lock);
  } catch {
    // Another process was faster, either way.
  }
  rmSync(aside, { force: true });
}

/** A pid with its start time (proc(5), field 22 of stat), so that a pid given out anew is not taken for its holder. */
function identify(pid) {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    const [state, ...fields] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return state === 'Z' ? undefined : { pid, started: fields[18] };
  } catch {
    return process.platform === 'linux' ? undefined : identifyElsewhere(pid);
  }
}

/** Without /proc there is only: does it run. */
function identifyElsewhere(pid) {
  try {
    process.kill(pid, 0);
    return { pid, started: 'unknown' };
  } catch (error) {
    return error.code === 'EPERM' ? { pid, started: 'unknown' } : undefined;
  }
}
