import type { Socket } from 'node:net';
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
/** Shorter bodies are copied behind their head: one write of one buffer costs less. */
const SMALL_BYTES = 64 * 1024;
/** Of answers that wait to be read: from who reads none, no more requests are taken. */
const MOST_UNREAD_BYTES = 256 * 1024;
const HEAD_END = '\r\n\r\n';
const CONTINUE = 'HTTP/1.1 100 Continue\r\n\r\n';

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
  /** Of the request whose body is being read. */
  #current: Slot | undefined;
  /** Of the requests that were not answered, or whose answer waits for one before it. */
  readonly #slots: Slot[] = [];
  /** A request said that it is the last one, or was none. */
  #isLast = false;
  /** By who gets a body. */
  #isHeldUp = false;
  #isFlushing = false;
  #out: (string | Uint8Array)[] = [];

  constructor(
    private readonly socket: Socket,
    private readonly onRequest: OnRequest,
  ) {
    socket.setNoDelay(true);
    socket.on('data', (chunk: Buffer) => this.#arrived(chunk));
    socket.on('drain', () => this.#flow());
    socket.on('error', () => undefined);
    socket.on('close', () => this.#closed());
  }

  pause(): void {
    this.#isHeldUp = true;
    this.#flow();
  }

  resume(): void {
    this.#isHeldUp = false;
    this.#flow();
  }

  /** An answer was given, or a body may come. What one turn gives is written at once. */
  answered(): void {
    for (let slot = this.#slots[0]; slot; slot = this.#slots[0]) {
      if (slot.isAwaited) this.#out.push(CONTINUE);
      slot.isAwaited = false;
      if (!slot.answer) break;
      this.#slots.shift();
      const [status, headers, body] = slot.answer;
      const ending = slot.isLast ? 'Connection: close\r\n' : '';
      this.#out.push(`HTTP/1.1 ${status}\r\n${headers}Content-Length: ${body.length}\r\n${ending}\r\n`, body);
    }
    if (this.#out.length > 0) this.#flushSoon();
  }

  #flow(): void {
    if (this.#isHeldUp || this.socket.writableLength > MOST_UNREAD_BYTES) this.socket.pause();
    else this.socket.resume();
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
    const slot = this.#current ?? this.#open(true);
    this.#isLast = true;
    slot.isLast = true;
    this.#leaveBody();
    slot.respond(status, 'Content-Type: text/plain\r\n', Buffer.from(`${message}\n`));
    this.#flushSoon();
  }

  #open(isLast: boolean, isAwaited = false): Slot {
    const slot = new Slot(this, isLast, isAwaited);
    this.#slots.push(slot);
    return slot;
  }

  #leaveBody(): void {
    const sink = this.#sink;
    this.#doneWithBody();
    sink?.broken();
  }

  #doneWithBody(): void {
    this.#body = undefined;
    this.#sink = undefined;
    this.#current = undefined;
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
    if (this.#slots.length >= MOST_WAITING) throw new HttpFault('Too many requests wait for an answer.');
    this.#isLast = !head.keepsConnection;
    const isAwaited = !body.isDone && head.header('expect')?.toLowerCase() === '100-continue';
    this.#current = this.#open(this.#isLast, isAwaited);
    this.#body = body;
    this.#sink = this.onRequest(head, this.#current);
    if (isAwaited) this.answered();
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

  #flushSoon(): void {
    if (this.#isFlushing) return;
    this.#isFlushing = true;
    queueMicrotask(() => this.#flush());
  }

  #flush(): void {
    this.#isFlushing = false;
    const out = this.#out;
    this.#out = [];
    if (this.socket.destroyed) return;
    if (out.length > 0) this.#write(out);
    if (this.socket.writableLength > MOST_UNREAD_BYTES) this.#flow();
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
    this.#leaveBody();
    for (const slot of this.#slots.splice(0)) if (!slot.answer) slot.onClose();
  }
}

type Answer = readonly [status: string, headers: string, body: Uint8Array];

class Slot implements HttpReply {
  answer: Answer | undefined;
  onClose: () => void = NOBODY;

  constructor(
    private readonly connection: HttpConnection,
    public isLast: boolean,
    /** Who asks sends the body when he is told to; RFC 9110, clause 10.1.1. Not before what was asked earlier is answered. */
    public isAwaited: boolean,
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

const CR = 13;
const LF = 10;
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
