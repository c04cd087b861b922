import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/*
 * Bytes of a stream stand outside V8's heap, a few copies of each on their way through a process, and all of them are
 * garbage a moment later. V8 looks at what is outside only when it has grown by 64 MB; then a process has grown by 80,
 * for streams that need one. So it is asked for a scavenge, of under a millisecond, each time that so much has passed.
 */

/** Bytes between two scavenges. */
const SCAVENGE_EVERY = 4 * 1024 * 1024;

type Collect = (options: { type: 'minor'; execution: 'sync' }) => void;

let passed = 0;
let collect: Collect | undefined;

/** So many bytes of streams came, or went. */
export function passing(bytes: number): void {
  passed += bytes;
  if (passed < SCAVENGE_EVERY) return;
  passed = 0;
  collect ??= exposed();
  collect({ type: 'minor', execution: 'sync' });
}

/** The flag is put back at once: V8 compiles Node's own modules anew for each thread where one differs. */
function exposed(): Collect {
  setFlagsFromString('--expose-gc');
  try {
    return runInNewContext('gc') as Collect;
  } finally {
    setFlagsFromString('--no-expose-gc');
  }
}
