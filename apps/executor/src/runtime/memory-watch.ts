import { monotonicNow } from './clock.js';

const MB = 1024 * 1024;
const CALM_MS = 100;

export interface MemoryWatch {
  readonly memoryMb: number;
  /** What is in use now. */
  bytes(): number;
  /** It is more than it may be. Called once. */
  exceeded(): void;
  /** Looks are no closer than that, ms: what each may cost. */
  readonly closestMs: number;
}

/**
 * Looks again and again at how much memory something uses, the sooner the faster it grows: a gigabyte a second is filled as
 * fast as the kernel can give it, and what is given beyond the limit costs everybody on this machine.
 * @returns stops it
 */
export function watchMemory({ memoryMb, bytes, exceeded, closestMs }: MemoryWatch): () => void {
  const limit = memoryMb * MB;
  let [before, at] = [0, monotonicNow()];
  let timer: NodeJS.Timeout;
  const look = (): void => {
    const [used, now] = [bytes(), monotonicNow()];
    if (used > limit) return exceeded();
    const left = untilFull(limit - used, (used - before) / Math.max(1, now - at));
    [before, at] = [used, now];
    later(Math.max(closestMs, Math.min(CALM_MS, left / 2)));
  };
  const later = (ms: number) => {
    timer = setTimeout(look, ms);
  };
  later(closestMs);
  return () => clearTimeout(timer);
}

/** ms, if it goes on growing like that. @param perMs bytes */
const untilFull = (left: number, perMs: number): number =>
  perMs > 0 ? left / perMs : Number.POSITIVE_INFINITY;
