import { MeshError } from '#contracts';
import { encodeReturned, type Outcome } from '#handler/runtime';
import type { RunMessage } from '../worker-protocol.js';
import { reportedError } from './answers.js';
import type { Exchange, Taken } from './exchange.js';
import type { HttpReply } from './http-answers.js';
import type { BodySink } from './http-body.js';
import { fieldOf, type RequestHead } from './http-head.js';
import { PieceQueue } from './piece-queue.js';
import { accept } from './rejections.js';

/** "Response streaming": the body begins with JSON of status, headers and cookies, then eight NUL bytes. */
const PRELUDE_TYPE = 'application/vnd.awslambda.http-integration-response';
const PRELUDE_END = Buffer.alloc(8);
const MOST_PRELUDE_BYTES = 64 * 1024;
const ERROR_TYPE = 'lambda-runtime-function-error-type';
const ERROR_BODY = 'lambda-runtime-function-error-body';

type Head = Omit<Outcome, 'body' | 'rest'>;

/**
 * An answer that is passed on as it comes (`Lambda-Runtime-Function-Response-Mode: streaming`). An error, which a program
 * tells in the trailers, breaks it off: its head has been sent long before.
 */
export class StreamedResponse implements BodySink {
  readonly #contentType: string;
  /** What of the prelude has arrived; `undefined` behind it. */
  #prelude: Buffer | undefined;
  #queue: PieceQueue | undefined;

  constructor(
    private readonly exchange: Exchange,
    private readonly taken: Taken,
    head: RequestHead,
    private readonly reply: HttpReply,
  ) {
    this.#contentType = head.header('content-type') ?? 'application/octet-stream';
    if (this.#contentType.toLowerCase().startsWith(PRELUDE_TYPE)) this.#prelude = Buffer.alloc(0);
  }

  data(bytes: Buffer): void {
    if (this.#prelude) return this.#readPrelude(Buffer.concat([this.#prelude, bytes]));
    this.#begin({ outcome: 'ok', status: 200, contentType: this.#contentType }).push(bytes);
  }

  end(trailers: string): void {
    const error = trailedError(this.taken.run, trailers);
    if (error) this.#failed(error);
    else if (this.#prelude) this.#refuse('It ended within its prelude.');
    else this.#begin({ outcome: 'ok', status: 200, contentType: this.#contentType }).end();
    this.exchange.finish(this.taken);
    accept(this.reply);
  }

  broken(): void {
    if (!this.#queue) return this.exchange.unclaim(this.taken);
    this.#queue.end(new MeshError('handler-error', 'Its answer broke off.'));
    this.exchange.finish(this.taken);
  }

  #begin(head: Head): PieceQueue {
    if (this.#queue) return this.#queue;
    this.#queue = new PieceQueue(this.reply);
    this.exchange.begin(this.taken, head, this.#queue);
    return this.#queue;
  }

  #readPrelude(bytes: Buffer): void {
    const end = bytes.indexOf(PRELUDE_END);
    this.#prelude = bytes;
    if (end < 0 && bytes.length <= MOST_PRELUDE_BYTES) return;
    this.#prelude = undefined;
    const head = end < 0 ? undefined : headOf(bytes.subarray(0, end));
    if (head) this.#begin(head).push(bytes.subarray(end + PRELUDE_END.length));
    else this.#refuse('Its prelude is no JSON of an answer.');
  }

  /** What it still sends goes nowhere. */
  #refuse(detail: string): void {
    this.#queue ??= new PieceQueue(this.reply);
    this.#queue.end();
    this.exchange.refuse(this.taken, new MeshError('bad-answer', detail));
  }

  #failed(outcome: Outcome): void {
    if (this.#queue) this.#queue.end(new MeshError('handler-error', undefined, { cause: outcome.cause }));
    else this.exchange.settle(this.taken, outcome);
  }
}

/** The error that stands in the trailers of an answer. */
export function trailedError(run: RunMessage, trailers: string): Outcome | undefined {
  const category = fieldOf(trailers, ERROR_TYPE);
  if (category === undefined) return undefined;
  return reportedError(run, category, Buffer.from(fieldOf(trailers, ERROR_BODY) ?? '', 'base64'));
}

/** Of `{ "statusCode": 200, "headers": { … }, "cookies": [ … ] }`; `undefined` for what is none. */
function headOf(prelude: Buffer): Head | undefined {
  try {
    const { statusCode = 200, headers, cookies } = JSON.parse(prelude.toString());
    const { body: _none, ...head } = encodeReturned({ statusCode, headers, cookies });
    return head as Head;
  } catch {
    return undefined;
  }
}
