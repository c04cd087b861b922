import { writeSync } from 'node:fs';
import { Socket } from 'node:net';
import { describe } from '#handler/runtime';
import { encodeFrame, FrameReader } from './frames.js';
import { guardProcess } from './guard-process.js';
import { HandlerWorker } from './handler-worker.js';
import type { FromWorker, ToWorker, WorkerStart } from './worker-protocol.js';

/*
 * The inside of a child process. Descriptor 3 is the way to the executor and back; 4 a file in which the executor reads
 * how many runs were begun, whatever has become of this process. Its one argument is the WorkerStart, as JSON.
 */

const LINK = 3;
const LEDGER = 4;

const { kill, pid, argv } = process;
/** Without the executor there is nobody to work for. By a signal, so that no handler's `exit` listener holds it up. */
const end = () => kill.call(process, pid, 'SIGKILL');

const socket = new Socket({ fd: LINK, readable: true, writable: true });
const reader = new FrameReader<ToWorker>();
const count = Buffer.alloc(4);

function post(messages: readonly FromWorker[]): void {
  socket.cork();
  for (const message of messages) for (const piece of encodeFrame(message)) socket.write(piece);
  socket.uncork();
}

function begun(runs: number): void {
  count.writeUInt32LE(runs);
  try {
    writeSync(LEDGER, count, 0, 4, 0);
  } catch {
    // A handler closed it: then nobody is moved on when this process ends.
  }
}

// What is written later, after its listeners, would not leave any more.
process.on('uncaughtExceptionMonitor', (error) => {
  try {
    writeSync(LINK, Buffer.concat(encodeFrame(['dying', describe(error)])));
  } catch {
    // Then the executor knows the exit code only.
  }
});

guardProcess(true);
const worker = new HandlerWorker({ post, begun, crossing: (body) => body });
socket.on('data', (chunk: Buffer) => worker.receive(reader.push(chunk)));
socket.on('error', end);
socket.on('close', end);
await worker.load(JSON.parse(argv[2] as string) as WorkerStart);
