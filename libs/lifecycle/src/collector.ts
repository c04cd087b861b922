import { setFlagsFromString } from 'node:v8';

/*
 * V8 may decide, by chance of what it saw while a process warmed up, to make objects of a request in its old generation
 * from the start. Dead ones then keep the young ones that they point to: megabytes survive every scavenge, and a request
 * costs a third more for the life of the process (ADR 50). The flag is read only where such decisions are made, so that it
 * may be set in a running process.
 *
 * It has a price where threads are started: V8 believes the compiled form of Node's own modules only while every flag
 * has the value with which that was made, and compiles them anew where one differs. A thread then takes 38 ms until it is
 * up, not 20. So the flag is as it was while threads start.
 */

let tuned = false;
let starting = 0;

/** For the life of this process. */
export function tuneCollector(): void {
  tuned = true;
  apply();
}

/** A thread is about to be started. @returns call it when the thread is up, or will never be; again, it does nothing */
export function threadStarts(): () => void {
  let isUp = false;
  starting++;
  apply();
  return () => {
    if (isUp) return;
    isUp = true;
    starting--;
    apply();
  };
}

function apply(): void {
  if (tuned)
    setFlagsFromString(starting > 0 ? '--allocation-site-pretenuring' : '--no-allocation-site-pretenuring');
}
