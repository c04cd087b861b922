import { Worker } from 'node:worker_threads';
import { MeshError } from '#contracts';
import { threadStarts } from '#lifecycle';
import { hardLimitMb, watchHeap, youngLimitMb } from './heap-watch.js';
import type { HandlerSpec, Runtime, WorkerLimits } from './runtime.js';
import { SpareThreads } from './spare-threads.js';
import { workerFile } from './worker-file.js';
import { WorkerInstance } from './worker-instance.js';
import type { FromWorker, StartWorker, ToWorker, WorkerEvents, WorkerStart } from './worker-protocol.js';

/** The first message to a thread: what it is for. */
export interface ThreadStart {
  readonly start: WorkerStart;
  readonly environment: Readonly<Record<string, string>>;
  /** How many runs it has begun, shared with the executor. */
  readonly begun: Int32Array<SharedArrayBuffer>;
}

const WORKER_FILE = workerFile('thread');
// Larger bodies change hands without a copy; for small ones that costs more than the copy.
const TRANSFER_BYTES = 64 * 1024;

/**
 * Handlers in worker threads: an isolate and an event loop of their own, in this process.
 * @param spares threads that are kept started ahead, for handlers that may have as much memory as any
 */
export function threadRuntime(limits: WorkerLimits, spares = 0): Runtime {
  const ahead = new SpareThreads(spares, () => startedWorker(limits.memoryMb));
  const runtime: Runtime = (spec, port) =>
    new WorkerInstance(spec, port, startThread(limits, spec, ahead), limits.graceMs);
  return Object.assign(runtime, { close: () => ahead.close() });
}

const startThread =
  (limits: WorkerLimits, { host }: HandlerSpec, ahead: SpareThreads): StartWorker =>
  (start, environment, events) => {
    const memoryMb = host?.allotment().memoryMb ?? limits.memoryMb;
    const worker = memoryMb === limits.memoryMb ? ahead.take() : startedWorker(memoryMb);
    const begun = new Int32Array(new SharedArrayBuffer(4));
    // Its next message says that its module is loaded, or cannot be.
    untilHeard(worker, threadStarts());
    worker.postMessage({ start, environment, begun } satisfies ThreadStart);
    listen(worker, events, memoryMb);
    return {
      post: (messages) => worker.postMessage(messages, transferOf(messages)),
      begun: () => Atomics.load(begun, 0),
      end: () => worker.terminate(),
    };
  };

/** A thread that waits to be told what it is for. @throws Error when this machine has no thread or memory left */
function startedWorker(memoryMb: number): Worker {
  const isUp = threadStarts();
  try {
    const resourceLimits = {
      maxOldGenerationSizeMb: hardLimitMb(memoryMb),
      maxYoungGenerationSizeMb: youngLimitMb(memoryMb),
    };
    const worker = new Worker(WORKER_FILE, { env: {}, execArgv: ['--enable-source-maps'], resourceLimits });
    return untilHeard(worker, isUp);
  } catch (error) {
    isUp();
    throw error;
  }
}

const untilHeard = (worker: Worker, then: () => void): Worker =>
  worker.once('message', then).once('exit', then);

function listen(worker: Worker, events: WorkerEvents, memoryMb: number): void {
  const outOfMemory = () =>
    events.failed(crashed(`It needed more than the ${memoryMb} MB of memory that a handler may have.`));
  const gathered = () => worker.postMessage([['collect']] satisfies ToWorker[]);
  const unwatch = watchHeap(worker, memoryMb, { exceeded: outOfMemory, gathered });
  worker.on('message', (messages: FromWorker[]) => events.messages(messages));
  worker.on('messageerror', (error) => events.failed(crashed('It sent what cannot be read.', error)));
  worker.on('error', (error: unknown) =>
    isOutOfMemory(error)
      ? outOfMemory()
      : events.failed(crashed('It threw where nobody could catch it.', error)),
  );
  worker.on('exit', (code) => {
    unwatch();
    events.failed(crashed(`Its thread ended with code ${code}.`));
  });
}

const isOutOfMemory = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && error.code === 'ERR_WORKER_OUT_OF_MEMORY';

const crashed = (detail: string, cause?: unknown) => new MeshError('worker-crashed', detail, { cause });

/** Taken from the messages themselves: a buffer that goes ahead of its message arrives empty. */
function transferOf(messages: readonly ToWorker[]): ArrayBuffer[] {
  const transfer: ArrayBuffer[] = [];
  for (const message of messages) {
    const body = message[0] === 'run' ? message[4] : undefined;
    if (body !== undefined && body.length >= TRANSFER_BYTES) transfer.push(body.buffer);
  }
  return transfer;
}
