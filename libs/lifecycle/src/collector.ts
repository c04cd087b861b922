import { setFlagsFromString } from 'node:v8';

/*
 * Flags of V8's collector in a running process: those that V8 reads only where it decides something.
 *
 * They have a price where threads are started: V8 believes the compiled form of Node's own modules only while every flag
 * has the value with which that was made, and compiles them anew where one differs. A thread then takes 38 ms until it is
 * up, not 20. So all are as they were while threads start.
 */

/** By their usual form, the one that is wanted. */
const wanted = new Map<string, string>();
let starting = 0;

/**
 * For the life of this process, or until it is set again.
 * @param flag as on a command line
 * @param usual the same flag as V8 has it by itself
 */
export function setFlag(flag: string, usual: string): void {
  wanted.set(usual, flag);
  if (starting === 0) setFlagsFromString(flag);
}

/**
 * V8 may decide, by chance of what it saw while a process warmed up, to make objects of a request in its old generation
 * from the start. Dead ones then keep the young ones that they point to: megabytes survive every scavenge, and a request
 * costs a third more for the life of the process (ADR 50).
 */
export function tuneCollector(): void {
  setFlag('--no-allocation-site-pretenuring', '--allocation-site-pretenuring');
}

/** A thread is about to be started. @returns call it when the thread is up, or will never be; again, it does nothing */
export function threadStarts(): () => void {
  let isUp = false;
  if (starting++ === 0) for (const usual of wanted.keys()) setFlagsFromString(usual);
  return () => {
    if (isUp) return;
    isUp = true;
    if (--starting === 0) for (const flag of wanted.values()) setFlagsFromString(flag);
  };
}
