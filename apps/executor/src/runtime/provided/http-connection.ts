import type { Socket } from 'node:net';
import { HttpAnswers, type HttpReply, type Slot } from './http-answers.js';
import { BodyReader, type BodySink, fieldsTooLarge, HttpFault, MOST_FIELD_BYTES } from './http-body.js';
import { Head, type RequestHead } from './http-head.js';

/*
 * HTTP/1.1 for one kind of client, a program that this executor started. Not node:http: two requests an invocation cost
 * there more than all the rest of it (docs/adr/0056-runtime-api.md). What a client may do is all there: connections that are
 * kept; requests sent before the answer to the one before, `next` too, as often as a program may poll; chunked bodies with
 * trailers; `Expect: 100-continue`. What one turn answers goes out in one write: a write costs more than what is in it.
 */

/** Requests of one connection that wait for their answers. */
const MOST_WAITING = 2_000;
const NOTHING = Buffer.alloc(0);
const CR = 13;
const LF = 10;
const HEAD_END = '\r\n\r\n';

/** @returns who gets the request's body */
export type OnRequest = (head: RequestHead, reply: HttpReply) => BodySink;

/** One connection: requests are read as they come, however many wait for their answer. */
export class HttpConnection {
  readonly #answers: HttpAnswers;
  /** What has arrived and was not taken yet. */
  #bytes: Buffer = NOTHING;
  #body: BodyReader | undefined;
  #sink: BodySink | undefined;
  /** Of the request whose body is being read. */
  #slot: Slot | undefined;
  /** A request said that it is the last one, or was none. */
  #isLast = false;

  constructor(
    private readonly socket: Socket,
    private readonly onRequest: OnRequest,
  ) {
    this.#answers = new HttpAnswers(socket);
    socket.setNoDelay(true);
    socket.on('data', (chunk: Buffer) => this.#arrived(chunk));
    socket.on('error', () => undefined);
    socket.on('close', () => this.#closed());
  }

  #arrived(chunk: Buffer): void {
    this.#bytes = this.#bytes.length === 0 ? chunk : Buffer.concat([this.#bytes, chunk]);
    try {
      while (this.#step());
    } catch (error) {
      if (error instanceof HttpFault) this.#refuse(error);
      else this.socket.destroy();
    }
    // Behind the last one stands nothing that is for anybody.
    if (this.#isLast && !this.#body) this.#bytes = NOTHING;
  }

  /** Where the next request would begin nobody knows. */
  #refuse({ status, message }: HttpFault): void {
    const slot = this.#slot ?? this.#answers.open(true);
    this.#isLast = true;
    this.#leaveBody();
    this.#answers.refuse(slot, status, message);
  }

  /** @returns whether there may be more to do */
  #step(): boolean {
    if (this.#body) return this.#readBody(this.#body);
    return this.#bytes.length > 0 && !this.#isLast && this.#readHead();
  }

  #readHead(): boolean {
    this.#skipEmptyLines();
    const end = this.#bytes.indexOf(HEAD_END);
    if ((end < 0 ? this.#bytes.length : end) > MOST_FIELD_BYTES) throw fieldsTooLarge();
    if (end < 0) return false;
    const text = this.#bytes.toString('latin1', 0, end);
    this.#bytes = this.#bytes.subarray(end + HEAD_END.length);
    const head = new Head(text);
    const body = new BodyReader(head.only('content-length'), head.only('transfer-encoding'));
    if (this.#answers.waiting >= MOST_WAITING) throw new HttpFault('Too many requests wait for an answer.');
    this.#isLast = !head.keepsConnection;
    const isAwaited = !body.isDone && head.header('expect')?.toLowerCase() === '100-continue';
    this.#slot = this.#answers.open(this.#isLast, isAwaited);
    this.#body = body;
    this.#sink = this.onRequest(head, this.#slot);
    if (isAwaited) this.#answers.answered();
    return true;
  }

  /** RFC 9112, clause 2.2: what some clients send behind a body. */
  #skipEmptyLines(): void {
    while (this.#bytes[0] === CR && this.#bytes[1] === LF) this.#bytes = this.#bytes.subarray(2);
  }

  #readBody(body: BodyReader): boolean {
    const sink = this.#sink as BodySink;
    const at = body.take(this.#bytes, 0, sink);
    const isStuck = at === 0 && !body.isDone;
    this.#bytes = at === this.#bytes.length ? NOTHING : this.#bytes.subarray(at);
    if (!body.isDone) return !isStuck && this.#bytes.length > 0;
    this.#doneWithBody();
    sink.end(body.trailers);
    return true;
  }

  #leaveBody(): void {
    const sink = this.#sink;
    this.#doneWithBody();
    sink?.broken();
  }

  #doneWithBody(): void {
    this.#body = undefined;
    this.#sink = undefined;
    this.#slot = undefined;
  }

  #closed(): void {
    this.#leaveBody();
    this.#answers.close();
  }
}
