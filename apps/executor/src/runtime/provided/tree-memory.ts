import { readFileSync } from 'node:fs';
import { residentBytes } from '../watch.js';

/** So many are looked at: who has more is stopped by other bounds. */
const MOST = 256;

/** Bytes in memory of a process and its descendants together, as far as they can be seen; 0 where there is no /proc. */
export function treeBytes(pid: number): number {
  const pids = [pid];
  let bytes = 0;
  for (let at = 0; at < pids.length && at < MOST; at++) {
    const one = pids[at] as number;
    bytes += residentBytes(one);
    pids.push(...childrenOf(one));
  }
  return bytes;
}

/** proc(5): children of the main thread, which is the one that starts programs in all but a few. */
function childrenOf(pid: number): number[] {
  try {
    const text = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim();
    return text === '' ? [] : text.split(' ').map(Number);
  } catch {
    return [];
  }
}
