import { readFileSync } from 'node:fs';
import { watchMemory } from './memory-watch.js';
import type { WorkerLimits } from './runtime.js';
import { bytesIn } from './scratch.js';

/** One look takes some 30 µs. */
const CLOSEST_MS = 5;
const SCRATCH_MS = 500;
const MB = 1024 * 1024;

/**
 * Looks at what a child uses and says when it is too much.
 * @param exceeded why, once; not after the returned function was called
 */
export function watch(
  pid: number,
  folder: string,
  limits: WorkerLimits,
  exceeded: (detail: string) => void,
): () => void {
  const { memoryMb, scratchMb } = limits;
  const stopMemory = watchMemory({
    memoryMb,
    bytes: () => residentBytes(pid),
    exceeded: () => over(memoryDetail(limits)),
    closestMs: CLOSEST_MS,
  });
  let looking = false;
  const scratch = setInterval(async () => {
    if (looking) return;
    looking = true;
    if ((await bytesIn(folder)) > scratchMb * MB)
      over(`It wrote more than the ${scratchMb} MB that a handler may keep in its scratch folder.`);
    looking = false;
  }, SCRATCH_MS);
  let done = false;
  const stop = () => {
    done = true;
    stopMemory();
    clearInterval(scratch);
  };
  const over = (detail: string) => {
    if (done) return;
    stop();
    exceeded(detail);
  };
  return stop;
}

export const memoryDetail = ({ memoryMb }: Pick<WorkerLimits, 'memoryMb'>): string =>
  `It needed more than the ${memoryMb} MB of memory that a handler may have.`;

/** proc(5): the part of a process that is in memory. 0 where there is no /proc, or no such process any more. */
export function residentBytes(pid: number): number {
  try {
    const [, kilobytes] = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
    return Number(kilobytes ?? 0) * 1024;
  } catch {
    return 0;
  }
}
