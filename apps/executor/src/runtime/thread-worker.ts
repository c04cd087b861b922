import { parentPort, workerData } from 'node:worker_threads';
import { HandlerWorker } from './handler-worker.js';
import { type ThreadData } from './thread.js';
import { type ToWorker, toCrossing } from './worker-protocol.js';

/* The inside of a worker thread. Messages that arrive while the module loads wait in the port. */

/** `process.kill` would end the executor with all its handlers; a thread that wants to end has `process.exit`. */
process.kill = () => {
  throw new Error('process.kill is not for handlers: a thread shares its process with others.');
};

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
