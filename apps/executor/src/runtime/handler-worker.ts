import { asMeshError, collect, type ErrorCode, MeshError } from '#contracts';
import {
  type Answer,
  type AnswerStream,
  type CallReply,
  type CallRequest,
  describe,
  errorOutcome,
} from '#handler/runtime';
import { localTime } from './clock.js';
import { Flows } from './flows.js';
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
  readonly #flows: Flows;
  #runner: Runner | undefined;
  #nextCall = 0;
  #begun = 0;

  constructor(private readonly port: WorkerPort) {
    this.#out = new Batch((messages) => port.post(messages), process.nextTick);
    this.#flows = new Flows((message) => this.#send(message), port.crossing);
  }

  /** Tells the executor how it went. */
  async load(start: WorkerStart): Promise<void> {
    try {
      const handler = await loadHandler(start.folder, start.entry, start.export, start.path);
      this.#runner = new Runner(start, handler, {
        log: (id, level, message, fields) => this.#send(['log', id, level, message, fields]),
        call: (to, request, key) => this.#call(to, request, key),
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
      case 'collect':
        return collect('major');
      case 'reply':
        this.#settleCall(message[1], message[2]);
        return;
      default:
        this.#flows.receive(message);
    }
  }

  async #run([, key, id, headers, body, attempt, point, more]: RunMessage): Promise<void> {
    this.port.begun(++this.#begun);
    const deadline = localTime(point);
    const timeout = deadline - performance.now();
    // It waited here behind one that blocked: who called it has been answered.
    if (timeout <= 0) return this.#done(key, errorOutcome(new MeshError('deadline-exceeded'), id));
    const run = { key, id, headers, body: body ?? NO_BYTES, attempt, timeout, deadline };
    const runner = this.#runner as Runner;
    const answer = await runner.run(more ? { ...run, rest: this.#flows.take(key) } : run);
    if (answer.rest === undefined) this.#done(key, answer, id);
    else this.#stream(key, answer, answer.rest);
  }

  #stream(key: number, { body, rest: _, ...head }: Answer, rest: AnswerStream): void {
    this.#send(['head', key, head, this.port.crossing(body)]);
    void this.#flows.give(key, rest, rest.ended);
  }

  #done(key: number, { body, rest: _, ...outcome }: Answer, id = ''): void {
    if (body.length <= MOST_BYTES) return this.#send(['done', key, outcome, this.port.crossing(body)]);
    const detail = `It has ${body.length} bytes; at most ${MOST_BYTES} can ever fit.`;
    this.#done(key, errorOutcome(new MeshError('answer-too-large', detail), id));
  }

  #call(path: string, request: CallRequest, key: number): Promise<CallReply> {
    const call = this.#nextCall++;
    const waiting = Promise.withResolvers<CallReply>();
    this.#calls.set(call, waiting);
    this.#send(['call', call, path, request, key]);
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
