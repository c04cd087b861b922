/*
 * One bootstrap at a time in a checkout: two `npm ci` at once destroy each other's work. The lock names its holder;
 * one whose holder is gone is taken over.
 */
import { linkSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';

const POLL_MS = 200;

/** Runs `work` alone; while another process is at it, waits, telling its pid once. */
export function inTurn(lock, onWait, work) {
  mkdirSync(dirname(lock), { recursive: true, mode: 0o711 });
  const mine = JSON.stringify({ pid: process.pid, started: startOf(process.pid) });
  for (let told = false; !take(lock, mine); pause(POLL_MS)) {
    const holder = holderOf(lock);
    if (!holder) continue;
    if (startOf(holder.pid) !== holder.started) dropStale(lock, holder);
    else if (!told) {
      onWait(holder.pid);
      told = true;
    }
  }
  try {
    return work();
  } finally {
    rmSync(lock, { force: true });
  }
}

/** The lock appears with its content in it, or not at all. */
function take(lock, content) {
  const part = `${lock}.${process.pid}`;
  writeFileSync(part, content);
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

function holderOf(lock) {
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
  } catch {
    return;
  }
  const moved = holderOf(aside);
  if (moved?.pid !== stale.pid || moved?.started !== stale.started) linkSync(aside, lock);
  rmSync(aside, { force: true });
}

/** Start time of a process (proc(5), field 22 of stat), so that a pid given out anew is not taken for its holder. */
function startOf(pid) {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
  } catch {
    return startElsewhere(pid);
  }
}

/** Without /proc there is only: does it run. */
function startElsewhere(pid) {
  try {
    process.kill(pid, 0);
    return process.platform === 'linux' ? undefined : 'running';
  } catch (error) {
    return error.code === 'EPERM' && process.platform !== 'linux' ? 'running' : undefined;
  }
}

const pause = (milliseconds) => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, milliseconds);
