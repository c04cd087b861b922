import type { Worker } from 'node:worker_threads';
import { monotonicNow } from './clock.js';

const MB = 1024 * 1024;
/** Between two looks, ms: what allocates as fast as it can gains a few hundred MB a second. */
const CALM_MS = 150;
const CLOSE_MS = 25;
/** Buffers that a thread may gather before it is to collect: V8 lets it gather 64 MB, times as many threads as there are. */
const GATHERED_BYTES = 8 * MB;
/** Above that the buffers are a small part of what it has, and to collect takes long. */
const SMALL_HEAP_BYTES = 64 * MB;
/** What was collected in vain, since it was in use, is collected again after that, ms; then after twice as long. */
const AGAIN_MS = 500;
const MOST_AGAIN_MS = 60_000;

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
  const gathered = gathering();
  const look = async (): Promise<void> => {
    // Not answered while it blocks in native code, where it allocates nothing; rejected before it runs.
    const heap = await worker.getHeapStatistics().catch(() => undefined);
    if (done) return;
    if (!heap) return later(CALM_MS);
    const { used_heap_size: inside, external_memory: outside } = heap;
    if (inside + outside > memoryMb * MB) return watcher.exceeded();
    if (gathered(outside) && inside < SMALL_HEAP_BYTES) watcher.gathered();
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

/** @returns tells, from how much is outside at each look, whether it is time to collect */
function gathering(): (outside: number) => boolean {
  let least = 0;
  let againMs = AGAIN_MS;
  let againAt = Number.POSITIVE_INFINITY;
  return (outside) => {
    least = Math.min(least, outside);
    if (outside <= GATHERED_BYTES) [againMs, againAt] = [AGAIN_MS, Number.POSITIVE_INFINITY];
    const now = monotonicNow();
    if (outside - least <= GATHERED_BYTES && now < againAt) return false;
    least = Number.POSITIVE_INFINITY;
    againAt = now + againMs;
    againMs = Math.min(2 * againMs, MOST_AGAIN_MS);
    return true;
  };
}

/** Of a heap that is to be kept small a quarter; and no more than V8 gave any until it began to measure them by the machine. */
const YOUNG_SHARE = 1 / 4;
const MOST_YOUNG_MB = 48;

/**
 * MB for young objects. Without a bound they are three times 64 on a large machine: more than many a thread may use in all,
 * and dead ones count.
 */
export const youngLimitMb = (memoryMb: number): number =>
  Math.ceil(Math.min(MOST_YOUNG_MB, memoryMb * YOUNG_SHARE));

/** MB that V8 itself allows: enough beyond the limit to be seen passing it. */
export const hardLimitMb = (memoryMb: number): number => Math.ceil(memoryMb * 1.5) + 64;
