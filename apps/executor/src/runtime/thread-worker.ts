import { parentPort, workerData } from 'node:worker_threads';
import { asMeshError, MeshError } from '#contracts';
import { type CallReply, type CallRequest, describe } from '#handler/runtime';
import { loadHandler } from './load-handler.js';
import { Runner } from './runner.js';
import { Batch, type FromThread, type ThreadStart, type ToThread, toCrossing } from './thread-protocol.js';

/*
 * The inside of a worker thread: loads one version of one handler, then runs what arrives. Messages that arrive
 * while the module loads wait in the port.
 */

const NO_BYTES = new Uint8Array(0);

class HandlerThread {
  readonly #out: Batch<FromThread>;
  readonly #calls = new Map<number, PromiseWithResolvers<CallReply>>();
  #nextCall = 0;

  constructor(post: (messages: FromThread[]) => void) {
    this.#out = new Batch(post, process.nextTick);
  }

  async load(start: ThreadStart): Promise<Runner | undefined> {
    try {
      const handler = await loadHandler(start.folder, start.entry, start.export, start.path);
      this.#send(['ready']);
      return new Runner(start.path, start.version, handler, {
        log: (id, level, message, fields) => this.#send(['log', id, level, message, fields]),
        call: (path, request) => this.#call(path, request),
      });
    } catch (error) {
      const { code, detail, message, cause } = asMeshError(error);
      this.#send(['unloadable', code, detail ?? message, cause === undefined ? undefined : describe(cause)]);
      return undefined;
    }
  }

  receive(runner: Runner, message: ToThread): void {
    switch (message[0]) {
      case 'run':
        void this.#run(runner, message);
        return;
      case 'abort':
        runner.abort(message[1], message[2]);
        return;
      case 'reply':
        this.#settleCall(message[1], message[2]);
        return;
    }
  }

  async #run(
    runner: Runner,
    [, key, id, headers, body, attempt, timeout]: Extract<ToThread, readonly ['run', ...unknown[]]>,
  ) {
    const run = { key, id, headers, body: body ?? NO_BYTES, attempt, timeout };
    const { body: answer, ...outcome } = await runner.run(run);
    this.#send(['done', key, outcome, toCrossing(answer)]);
  }

  #call(path: string, request: CallRequest): Promise<CallReply> {
    const call = this.#nextCall++;
    const waiting = Promise.withResolvers<CallReply>();
    this.#calls.set(call, waiting);
    this.#send(['call', call, path, request]);
    return waiting.promise;
  }

  #settleCall(call: number, reply: CallReply | string): void {
    const waiting = this.#calls.get(call);
    this.#calls.delete(call);
    if (typeof reply === 'string') waiting?.reject(new MeshError(reply as MeshError['code']));
    else waiting?.resolve(reply);
  }

  #send(message: FromThread): void {
    this.#out.add(message);
  }
}

if (parentPort) {
  const port = parentPort;
  const thread = new HandlerThread((messages) => port.postMessage(messages));
  const runner = await thread.load(workerData as ThreadStart);
  if (runner)
    port.on('message', (messages: ToThread[]) => {
      for (const message of messages) thread.receive(runner, message);
    });
}
