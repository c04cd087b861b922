import type { Socket } from 'node:net';
import { BodyReader, type BodySink, HttpFault } from './http-body.js';
import { Head, type RequestHead } from './http-head.js';

/*
 * HTTP/1.1 for one kind of client, a program that this executor started. Not node:http: two requests an invocation cost
 * there more than all the rest of it (docs/adr/0056-runtime-api.md). What a client may do is all there: connections that are
 * kept; requests sent before the answer to the one before, `next` too, as often as a program may poll; chunked bodies with
 * trailers; `Expect: 100-continue`. What one turn answers goes out in one write: a write costs more than what is in it.
 */

/** Longer heads or lines nobody sends. */
const MOST_LINE_BYTES = 32 * 1024;
/** Requests of one connection that wait for their answers. */
const MOST_WAITING = 2_000;
/** Shorter bodies are copied behind their head: one write of one buffer costs less. */
const SMALL_BYTES = 64 * 1024;
const HEAD_END = '\r\n\r\n';

/** @returns who gets the request's body */
export type OnRequest = (head: RequestHead, reply: HttpReply) => BodySink;

/** The place of one answer among those of its connection. */
export interface HttpReply {
  /** Once. @param headers whole lines, each ended by CRLF, without the length */
  respond(status: string, headers: string, body: Uint8Array): void;
  /** Called when the connection closes before that. */
  onClose: () => void;
  /** Takes nothing more from the connection for a while: who gets the body cannot keep up. */
  pause(): void;
  resume(): void;
}

/** One connection: requests are read as they come, however many wait for their answer, and answered in that order. */
export class HttpConnection {
  /** What has arrived and was not taken yet. */
  #bytes: Buffer = NOTHING;
  #body: BodyReader | undefined;
  #sink: BodySink | undefined;
  /** Of the requests that were not answered, or whose answer waits for one before it. */
  readonly #slots: Slot[] = [];
  /** A request said that it is the last one. */
  #isLast = false;
  #isFlushing = false;
  #out: (string | Uint8Array)[] = [];

  constructor(
    private readonly socket: Socket,
    private readonly onRequest: OnRequest,
  ) {
    socket.setNoDelay(true);
    socket.on('data', (chunk: Buffer) => this.#arrived(chunk));
    socket.on('error', () => undefined);
    socket.on('close', () => this.#closed());
  }

  pause(): void {
    this.socket.pause();
  }

  resume(): void {
    this.socket.resume();
  }

  /** An answer was given. What one turn gives is written at once. */
  answered(): void {
    while (this.#slots[0]?.answer) {
      const { answer, isLast } = this.#slots.shift() as Slot;
      const [status, headers, body] = answer as Answer;
      const ending = isLast ? 'Connection: close\r\n' : '';
      this.#out.push(`HTTP/1.1 ${status}\r\n${headers}Content-Length: ${body.length}\r\n${ending}\r\n`, body);
    }
    if (this.#isFlushing || this.#out.length === 0) return;
    this.#isFlushing = true;
    queueMicrotask(() => this.#flush());
  }

  #arrived(chunk: Buffer): void {
    this.#bytes = this.#bytes.length === 0 ? chunk : Buffer.concat([this.#bytes, chunk]);
    try {
      while (this.#step());
      if (this.#bytes.length > MOST_LINE_BYTES) this.socket.destroy();
    } catch {
      this.socket.destroy();
    }
  }

  /** @returns whether there may be more to do */
  #step(): boolean {
    if (this.#body) return this.#readBody(this.#body);
    return this.#bytes.length > 0 && !this.#isLast && this.#readHead();
  }

  #readHead(): boolean {
    const end = this.#bytes.indexOf(HEAD_END);
    if (end < 0) return false;
    const text = this.#bytes.toString('latin1', 0, end);
    this.#bytes = this.#bytes.subarray(end + HEAD_END.length);
    const head = new Head(text);
    const body = new BodyReader(head.header('content-length'), head.header('transfer-encoding'));
    if (this.#slots.length >= MOST_WAITING) throw new HttpFault('too many requests');
    this.#isLast = !head.keepsConnection;
    const slot = new Slot(this, this.#isLast);
    this.#slots.push(slot);
    this.#body = body;
    this.#sink = this.onRequest(head, slot);
    if (!body.isDone && head.header('expect')?.toLowerCase() === '100-continue')
      this.socket.write('HTTP/1.1 100 Continue\r\n\r\n');
    return true;
  }

  #readBody(body: BodyReader): boolean {
    const sink = this.#sink as BodySink;
    const at = body.take(this.#bytes, 0, sink);
    const isStuck = at === 0 && !body.isDone;
    this.#bytes = at === this.#bytes.length ? NOTHING : this.#bytes.subarray(at);
    if (!body.isDone) return !isStuck && this.#bytes.length > 0;
    this.#body = undefined;
    this.#sink = undefined;
    sink.end(body.trailers);
    return true;
  }

  #flush(): void {
    this.#isFlushing = false;
    const out = this.#out;
    this.#out = [];
    if (this.socket.destroyed) return;
    this.#write(out);
    if (this.#isLast && this.#slots.length === 0) this.socket.end();
  }

  #write(out: readonly (string | Uint8Array)[]): void {
    const length = out.reduce((sum, piece) => sum + piece.length, 0);
    if (length <= SMALL_BYTES) {
      this.socket.write(joined(out, length));
      return;
    }
    this.socket.cork();
    for (const piece of out)
      if (typeof piece === 'string') this.socket.write(piece, 'latin1');
      else if (piece.length > 0) this.socket.write(piece);
    this.socket.uncork();
  }

  #closed(): void {
    const sink = this.#sink;
    this.#sink = undefined;
    this.#body = undefined;
    sink?.broken();
    for (const slot of this.#slots.splice(0)) if (!slot.answer) slot.onClose();
  }
}

type Answer = readonly [status: string, headers: string, body: Uint8Array];

class Slot implements HttpReply {
  answer: Answer | undefined;
  onClose: () => void = NOBODY;

  constructor(
    private readonly connection: HttpConnection,
    readonly isLast: boolean,
  ) {}

  respond(status: string, headers: string, body: Uint8Array): void {
    this.answer ??= [status, headers, body];
    this.connection.answered();
  }

  pause(): void {
    this.connection.pause();
  }

  resume(): void {
    this.connection.resume();
  }
}

const NOBODY = () => undefined;
const NOTHING = Buffer.alloc(0);

function joined(pieces: readonly (string | Uint8Array)[], length: number): Buffer {
  const all = Buffer.allocUnsafe(length);
  let at = 0;
  for (const piece of pieces) {
    if (typeof piece === 'string') all.write(piece, at, 'latin1');
    else all.set(piece, at);
    at += piece.length;
  }
  return all;
}
