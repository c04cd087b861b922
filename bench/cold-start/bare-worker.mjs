import { parentPort } from 'node:worker_threads';

/* Imports the bundle that its argument names, calls it once, and waits: in a thread or in a process. */

const { default: handler } = await import(process.argv[2]);
const answer = await handler({ query: { id: '42' } });
if (parentPort) {
  parentPort.on('message', () => undefined);
  parentPort.postMessage(answer);
} else {
  process.on('disconnect', () => process.exit());
  process.send(answer);
}
