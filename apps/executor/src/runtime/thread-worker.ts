import { writeFileSync } from 'node:fs';
import { type MessagePort, parentPort, receiveMessageOnPort } from 'node:worker_threads';
import { guardProcess } from './guard-process.js';
import { HandlerWorker } from './handler-worker.js';
import type { ThreadStart } from './thread.js';
import { type FromWorker, type ToWorker, toCrossing } from './worker-protocol.js';

/*
 * The inside of a worker thread. It may be started before anybody knows which handler it is for; nothing comes between
 * being told and having said that its module is loaded.
 */

// A signal to this process would end the executor with all its handlers; a thread that wants to end has `exit`.
guardProcess(false);

if (parentPort) {
  const port = parentPort;
  const { start, environment, begun } = receiveMessageOnPort(port)?.message ?? (await told(port));
  Object.assign(process.env, environment);
  showAs(`${start.path}@${start.version}`);
  const worker = new HandlerWorker({
    post: (messages) => port.postMessage(messages),
    begun: (count) => void Atomics.store(begun, 0, count),
    crossing: toCrossing,
  });
  await worker.load(start);
  port.on('message', (messages: ToWorker[]) => worker.receive(messages));
}

/** It is up, and was started ahead. */
function told(port: MessagePort): Promise<ThreadStart> {
  port.postMessage([['alive']] satisfies FromWorker[]);
  return new Promise((resolve) => port.once('message', resolve));
}

/** In what lists threads by name, such as `top -H`. */
function showAs(name: string): void {
  try {
    writeFileSync('/proc/thread-self/comm', name);
  } catch {
    // Only Linux has it.
  }
}
