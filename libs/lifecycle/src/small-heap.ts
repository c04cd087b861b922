import { getHeapSpaceStatistics, setFlagsFromString } from 'node:v8';
import { setFlag } from './collector.js';

/*
 * V8 measures its heaps by the machine: on a large one it lets a process with 40 MB of live objects gather 130 MB of young
 * garbage and three times its old generation before it looks, over minutes under load, over hours where there is little to do.
 * That is memory which nobody uses, and a leak cannot be told from it.
 *
 * So the old generation is looked at when it has grown by 30 %: what little of each request grows old is some 4 MB a minute under
 * load, and over ten minutes looked like a leak when it might double. In a service that waits more than it computes it is looked
 * at when it has grown by a fifth, and the young one stops growing at 32 MB; where 1,500 requests wait at once that costs 18 % of
 * the processor time, so not in the executor and ingress-http. What docker-compose.yml starts those two with gives them a larger
 * young space of a fixed size (ADR 58).
 */

/** Costs nothing that `perf stat` shows, with 64 to 4,000 requests at once. */
const BOUNDED_GROWS_PERCENT = 30;
const SMALL_GROWS_PERCENT = 20;
const MOST_YOUNG_BYTES = 32 * 1024 * 1024;
const LOOK_MS = 1_000;

/**
 * Flags of this process's own young space hold for threads that it starts, too, for as long as they are set. Those have a
 * bound of their own.
 */
export function leaveThreadsTheirYoungSpace(): void {
  setFlagsFromString('--min-semi-space-size=0');
  setFlagsFromString('--max-semi-space-size=0');
}

/** For the life of this process. */
export function keepHeapBounded(): void {
  setFlag(`--heap-growing-percent=${BOUNDED_GROWS_PERCENT}`, '--heap-growing-percent=0');
}

/** For the life of this process. */
export function keepHeapSmall(): void {
  setFlag(`--heap-growing-percent=${SMALL_GROWS_PERCENT}`, '--heap-growing-percent=0');
  let mayGrow = true;
  setInterval(() => {
    // Idle, V8 lets it shrink, and it must be able to grow again.
    const isSmall = youngBytes() < MOST_YOUNG_BYTES;
    if (isSmall === mayGrow) return;
    mayGrow = isSmall;
    setFlag(`--semi-space-growth-factor=${mayGrow ? 2 : 1}`, '--semi-space-growth-factor=2');
  }, LOOK_MS).unref();
}

const youngBytes = (): number =>
  getHeapSpaceStatistics().find(({ space_name }) => space_name === 'new_space')?.space_size ?? 0;
