import { getHeapSpaceStatistics, setFlagsFromString } from 'node:v8';

/*
 * A service that waits more than it computes. V8 measures its heaps by the machine: on a large one it lets a process with
 * 40 MB of live objects gather 130 MB of young garbage and three times its old generation before it looks, over hours where
 * there is little to do. That is memory which nobody uses, and a leak cannot be told from it.
 *
 * So the old generation is looked at when it has grown by a fifth, and the young one stops growing at 32 MB. Both flags are
 * read where such decisions are made, so that they may be set in a running process. Not for one that starts threads: these would
 * take twice as long (see `collector.ts`).
 */

const OLD_GROWS_PERCENT = 20;
const MOST_YOUNG_BYTES = 32 * 1024 * 1024;
const LOOK_MS = 1_000;

/** For the life of this process. */
export function keepHeapSmall(): void {
  setFlagsFromString(`--heap-growing-percent=${OLD_GROWS_PERCENT}`);
  let mayGrow = true;
  setInterval(() => {
    // Idle, V8 lets it shrink, and it must be able to grow again.
    const isSmall = youngBytes() < MOST_YOUNG_BYTES;
    if (isSmall === mayGrow) return;
    mayGrow = isSmall;
    setFlagsFromString(`--semi-space-growth-factor=${mayGrow ? 2 : 1}`);
  }, LOOK_MS).unref();
}

const youngBytes = (): number =>
  getHeapSpaceStatistics().find(({ space_name }) => space_name === 'new_space')?.space_size ?? 0;
