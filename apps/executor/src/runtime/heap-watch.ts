import type { Worker } from 'node:worker_threads';

const MB = 1024 * 1024;
/** Between two looks, ms: what allocates as fast as it can gains a few hundred MB a second. */
const CALM_MS = 150;
const CLOSE_MS = 25;

/**
 * Asks a thread again and again how much memory it uses, buffers outside its heap included, and says when that is too
 * much. V8's own limit, above it, is not enough: whoever asks for one large piece when little is left, as a growing
 * Map does, makes V8 end the whole process.
 * @returns stops it
 */
export function watchHeap(worker: Worker, memoryMb: number, exceeded: () => void): () => void {
  let timer: NodeJS.Timeout;
  let done = false;
  const look = async (): Promise<void> => {
    // Not answered while it blocks in native code, where it allocates nothing; rejected before it runs.
    const heap = await worker.getHeapStatistics().catch(() => undefined);
    if (done) return;
    const used = heap ? heap.used_heap_size + heap.external_memory : 0;
    if (used > memoryMb * MB) return exceeded();
    later(used > (memoryMb * MB) / 2 ? CLOSE_MS : CALM_MS);
  };
  const later = (ms: number) => {
    timer = setTimeout(() => void look(), ms).unref();
  };
  later(CALM_MS);
  return () => {
    done = true;
    clearTimeout(timer);
  };
}

/** MB that V8 itself allows: enough beyond the limit to be seen passing it. */
export const hardLimitMb = (memoryMb: number): number => Math.ceil(memoryMb * 1.5) + 64;
