import { asMeshError, decodeDetails, type EventEnvelope, MeshError } from '#contracts';
import {
  type Answer,
  type AnswerStream,
  buildEvent,
  buildStreamedEvent,
  type CallReply,
  type CallRequest,
  errorOutcome,
  type HandlerEvent,
  type Host,
  type LogLevel,
  logFields,
  logMessage,
  openAnswer,
  type ResolvedHandler,
  runHandler,
  runShaped,
} from '#handler/runtime';
import { joined, letGo } from './flow.js';
import { LogBrake } from './log-brake.js';
import type { HandlerSpec, Invocation } from './runtime.js';

/** What a run asks of its surroundings; in a thread these cross to the executor. */
export interface RunnerPort {
  log(id: string, level: LogLevel, message: string, fields?: object): void;
  /** @param key of the run that calls */
  call(path: string, request: CallRequest, key: number): Promise<CallReply>;
}

/** Runs invocations of one loaded handler: event in, outcome out. The same code inline and in a thread. */
export class Runner {
  /** Only runs whose handler asked for its signal are here. */
  readonly #controllers = new Map<number, AbortController>();
  /** Only runs that answer in pieces are here. */
  readonly #streams = new Map<number, AnswerStream>();
  readonly #brake = new LogBrake((id, message) => this.port.log(id, 'warn', message));

  constructor(
    private readonly of: Pick<HandlerSpec, 'path' | 'version' | 'body' | 'shaping'>,
    private readonly handler: ResolvedHandler,
    private readonly port: RunnerPort,
  ) {}

  /** A run that answers in pieces goes on until its stream has ended. */
  async run(invocation: Invocation): Promise<Answer> {
    try {
      const envelope = { id: invocation.id, ...decodeDetails(invocation.headers) };
      const host = new RunHost(this.of.version, invocation, this.port, this.#controllers, this.#brake);
      const isPlain = this.of.shaping === undefined && envelope.meta.source !== 'lambda';
      const answer = await (isPlain
        ? this.#plain(envelope, invocation, host)
        : this.#shaped(envelope, invocation, host));
      return answer.rest === undefined ? answer : await this.#begin(invocation, answer, answer.rest);
    } catch (error) {
      const fault = asMeshError(error);
      return errorOutcome(fault, invocation.id, fault.code === 'internal' ? fault.cause : undefined);
    } finally {
      if (!this.#streams.has(invocation.key)) this.#over(invocation);
    }
  }

  abort(key: number, reason: string): void {
    this.#controllers.get(key)?.abort(new DOMException(reason, 'AbortError'));
    void this.#streams.get(key)?.return();
  }

  #plain(envelope: EventEnvelope, invocation: Invocation, host: Host): Promise<Answer> {
    const built = this.#event(envelope, invocation);
    if (built instanceof Promise) return built.then((event) => runHandler(this.handler, event, host));
    return runHandler(this.handler, built, host);
  }

  /** In another shape than the mesh's own, or for a caller who speaks Lambda: see `shapes/` of the handler package. */
  async #shaped(envelope: EventEnvelope, invocation: Invocation, host: Host): Promise<Answer> {
    const { path, version, shaping, body: takes } = this.of;
    const { event = 'mesh', http = [] } = shaping ?? {};
    const { body, rest, attempt, headers } = invocation;
    // Documents have their body whole.
    const raw = rest === undefined ? body : await wholeOf(joined(body, rest));
    const inPieces = takes === 'stream';
    const asked = { path, version, envelope, raw, attempt, now: Date.now(), http, inPieces, headers };
    return runShaped(event, this.handler, asked, host);
  }

  #event(envelope: EventEnvelope, { body, rest }: Invocation): HandlerEvent | Promise<HandlerEvent> {
    const { path, body: takes } = this.of;
    if (takes !== 'stream') return buildEvent(path, envelope, body);
    return buildStreamedEvent(path, envelope, joined(body, rest)) as unknown as HandlerEvent;
  }

  #begin(invocation: Invocation, answer: Answer, stream: AnswerStream): Promise<Answer> {
    this.#streams.set(invocation.key, stream);
    void stream.ended.then(() => {
      this.#streams.delete(invocation.key);
      this.#over(invocation);
    });
    return openAnswer(answer, stream, invocation.id);
  }

  /** What it did not take of its body nobody will. */
  #over({ key, rest }: Invocation): void {
    this.#controllers.delete(key);
    if (rest) letGo(rest);
  }
}

/** A class, because its getter on an object of its own would cost more than the rest of it. */
class RunHost implements Host {
  readonly deadline: number;

  constructor(
    readonly version: string,
    private readonly invocation: Invocation,
    private readonly port: RunnerPort,
    private readonly controllers: Map<number, AbortController>,
    private readonly brake: LogBrake,
  ) {
    this.deadline = invocation.deadline ?? performance.now() + invocation.timeout;
  }

  get attempt(): number {
    return this.invocation.attempt;
  }

  /** Made only when asked for: most handlers never look. */
  get signal(): AbortSignal {
    const { key } = this.invocation;
    const controller = this.controllers.get(key) ?? new AbortController();
    this.controllers.set(key, controller);
    return controller.signal;
  }

  log(level: LogLevel, message: string, fields?: object): void {
    const { id } = this.invocation;
    const text = logMessage(message);
    if (this.brake.lets(id, text.length)) this.port.log(id, level, text, logFields(fields));
  }

  call(path: string, request: CallRequest): Promise<CallReply> {
    // As text, whatever a handler without types gave: what cannot cross a thread would end it.
    const { version } = request;
    return this.port.call(
      String(path),
      version === undefined ? request : { ...request, version: String(version) },
      this.invocation.key,
    );
  }
}

/** Of a body that comes in pieces, what is taken where it has to be whole: what Lambda takes as a payload. */
const MOST_WHOLE_BYTES = 6 * 1024 * 1024;

/** By hand: `node:stream/consumers` would load all of web streams into each worker at its start. */
async function wholeOf(pieces: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const all: Uint8Array[] = [];
  let size = 0;
  for await (const piece of pieces) {
    size += piece.length;
    if (size > MOST_WHOLE_BYTES)
      throw new MeshError('payload-too-large', `Whole it may have ${MOST_WHOLE_BYTES} bytes.`);
    all.push(piece);
  }
  return Buffer.concat(all);
}
