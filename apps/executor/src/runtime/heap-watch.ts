import type { Worker } from 'node:worker_threads';

const MB = 1024 * 1024;
/** Between two looks, ms: what allocates as fast as it can gains a few hundred MB a second. */
const CALM_MS = 150;
const CLOSE_MS = 25;
/** Buffers that a thread may gather before it is to collect: V8 lets it gather 64 MB, times as many threads as there are. */
const GATHERED_BYTES = 16 * MB;
/** Above that the buffers are a small part of what it has, and to collect takes long. */
const SMALL_HEAP_BYTES = 64 * MB;

export interface HeapWatcher {
  /** It uses too much. */
  exceeded(): void;
  /** It has gathered buffers that nobody may use any more. */
  gathered(): void;
}

/**
 * Asks a thread again and again how much memory it uses, buffers outside its heap included, and says when that is too
 * much. V8's own limit, above it, is not enough: whoever asks for one large piece when little is left, as a growing
 * Map does, makes V8 end the whole process.
 * @returns stops it
 */
export function watchHeap(worker: Worker, memoryMb: number, watcher: HeapWatcher): () => void {
  let timer: NodeJS.Timeout;
  let done = false;
  let leastOutside = Number.POSITIVE_INFINITY;
  const look = async (): Promise<void> => {
    // Not answered while it blocks in native code, where it allocates nothing; rejected before it runs.
    const heap = await worker.getHeapStatistics().catch(() => undefined);
    if (done) return;
    if (!heap) return later(CALM_MS);
    const { used_heap_size: inside, external_memory: outside } = heap;
    if (inside + outside > memoryMb * MB) return watcher.exceeded();
    leastOutside = Math.min(leastOutside, outside);
    if (outside - leastOutside > GATHERED_BYTES && inside < SMALL_HEAP_BYTES) {
      leastOutside = Number.POSITIVE_INFINITY;
      watcher.gathered();
    }
    later(inside + outside > (memoryMb * MB) / 2 ? CLOSE_MS : CALM_MS);
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
