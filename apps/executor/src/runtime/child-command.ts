import { fileURLToPath } from 'node:url';
import { youngLimitMb } from './heap-watch.js';
import { workerFile } from './worker-file.js';
import type { WorkerStart } from './worker-protocol.js';

const WORKER_FILE = fileURLToPath(workerFile('process'));
/** Spaces of that size in which V8 keeps young objects: two, and one for large ones. */
const YOUNG_SPACES = 3;

/**
 * How a child is started: Node's permission model lets it read its handler's folder and its own one file, and write in
 * its scratch folder; it has no children, threads, addons or debugger.
 */
export function childArguments(start: WorkerStart, scratch: string, memoryMb: number): string[] {
  const readable = [
    WORKER_FILE,
    `${WORKER_FILE}.map`,
    start.folder,
    `${start.folder}/*`,
    scratch,
    `${scratch}/*`,
  ];
  return [
    '--permission',
    ...readable.map((path) => `--allow-fs-read=${path}`),
    `--allow-fs-write=${scratch}/*`,
    '--disable-sigusr1',
    '--enable-source-maps',
    `--max-old-space-size=${memoryMb}`,
    `--max-semi-space-size=${Math.ceil(youngLimitMb(memoryMb) / YOUNG_SPACES)}`,
    // Beside the handler's own thread one that helps to collect: it cannot keep more processors busy than two.
    '--v8-pool-size=1',
    WORKER_FILE,
    JSON.stringify(start),
  ];
}
