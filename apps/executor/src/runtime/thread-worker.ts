import { parentPort, workerData } from 'node:worker_threads';
import { guardProcess } from './guard-process.js';
import { HandlerWorker } from './handler-worker.js';
import { type ThreadData } from './thread.js';
import { type ToWorker, toCrossing } from './worker-protocol.js';

/* The inside of a worker thread. Messages that arrive while the module loads wait in the port. */

// A signal to this process would end the executor with all its handlers; a thread that wants to end has `exit`.
guardProcess(false);

if (parentPort) {
  const port = parentPort;
  const { start, begun } = workerData as ThreadData;
  const worker = new HandlerWorker({
    post: (messages) => port.postMessage(messages),
    begun: (count) => void Atomics.store(begun, 0, count),
    crossing: toCrossing,
  });
  await worker.load(start);
  port.on('message', (messages: ToWorker[]) => worker.receive(messages));
}
