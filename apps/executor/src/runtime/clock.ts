const BEGAN = Number(process.hrtime.bigint()) / 1e6 - performance.now();

/**
 * Milliseconds of the machine's monotonic clock: the same in every thread and process of this machine, and nothing to
 * it when somebody sets the time of day.
 */
export const monotonicNow = (): number => performance.now() + BEGAN;

/** A point of that clock as one of `performance.now()` here. */
export const localTime = (monotonic: number): number => monotonic - BEGAN;
