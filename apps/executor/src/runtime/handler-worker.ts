import { asMeshError, type ErrorCode, MeshError } from '#contracts';
import { type CallReply, type CallRequest, describe, errorOutcome, type Outcome } from '#handler/runtime';
import { localTime } from './clock.js';
import { loadHandler } from './load-handler.js';
import { Runner } from './runner.js';
import {
  Batch,
  type CrossingBody,
  type FromWorker,
  type RunMessage,
  type ToWorker,
  type WorkerStart,
} from './worker-protocol.js';

const NO_BYTES = new Uint8Array(0);
/** The largest `max_payload` that a nats-server can have: what is longer need not cross at all. */
const MOST_BYTES = 64 * 1024 * 1024;

/** How this side of a worker reaches the executor. */
export interface WorkerPort {
  post(messages: FromWorker[]): void;
  /** Writes down, where the executor can read it whatever happens next, that so many runs have been begun. */
  begun(count: number): void;
  crossing(body: Uint8Array): CrossingBody;
}

/** The inside of a worker: loads one version of one handler, then runs what arrives. */
export class HandlerWorker {
  readonly #out: Batch<FromWorker>;
  readonly #calls = new Map<number, PromiseWithResolvers<CallReply>>();
  #runner: Runner | undefined;
  #nextCall = 0;
  #begun = 0;

  constructor(private readonly port: WorkerPort) {
    this.#out = new Batch((messages) => port.post(messages), process.nextTick);
  }

  /** Tells the executor how it went. */
  async load({ folder, entry, export: exportName, path, version }: WorkerStart): Promise<void> {
    try {
      const handler = await loadHandler(folder, entry, exportName, path);
      this.#runner = new Runner(path, version, handler, {
        log: (id, level, message, fields) => this.#send(['log', id, level, message, fields]),
        call: (to, request) => this.#call(to, request),
      });
      this.#send(['ready']);
    } catch (error) {
      const { code, detail, message, cause } = asMeshError(error);
      this.#send(['unloadable', code, detail ?? message, cause === undefined ? undefined : describe(cause)]);
    }
  }

  receive(messages: readonly ToWorker[]): void {
    for (const message of messages) this.#receive(message);
  }

  #receive(message: ToWorker): void {
    switch (message[0]) {
      case 'run':
        void this.#run(message);
        return;
      case 'abort':
        this.#send(['alive']);
        this.#runner?.abort(message[1], message[2]);
        return;
      case 'reply':
        this.#settleCall(message[1], message[2]);
        return;
    }
  }

  async #run([, key, id, headers, body, attempt, point]: RunMessage): Promise<void> {
    this.port.begun(++this.#begun);
    const deadline = localTime(point);
    const timeout = deadline - performance.now();
    // It waited here behind one that blocked: who called it has been answered.
    if (timeout <= 0) return this.#done(key, errorOutcome(new MeshError('deadline-exceeded'), id));
    const run = { key, id, headers, body: body ?? NO_BYTES, attempt, timeout, deadline };
    this.#done(key, await (this.#runner as Runner).run(run), id);
  }

  #done(key: number, { body, ...outcome }: Outcome, id = ''): void {
    if (body.length <= MOST_BYTES) return this.#send(['done', key, outcome, this.port.crossing(body)]);
    const detail = `It has ${body.length} bytes; at most ${MOST_BYTES} can ever fit.`;
    this.#done(key, errorOutcome(new MeshError('answer-too-large', detail), id));
  }

  #call(path: string, request: CallRequest): Promise<CallReply> {
    const call = this.#nextCall++;
    const waiting = Promise.withResolvers<CallReply>();
    this.#calls.set(call, waiting);
    this.#send(['call', call, path, request]);
    return waiting.promise;
  }

  #settleCall(call: number, reply: CallReply | ErrorCode): void {
    const waiting = this.#calls.get(call);
    this.#calls.delete(call);
    if (typeof reply === 'string') waiting?.reject(new MeshError(reply));
    else waiting?.resolve(reply);
  }

  #send(message: FromWorker): void {
    this.#out.add(message);
  }
}
