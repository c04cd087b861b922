import type { Socket } from 'node:net';

/** Shorter bodies are copied behind their head: one write of one buffer costs less. */
const SMALL_BYTES = 64 * 1024;
/** Of answers that wait to be read: from who reads none, no more requests are taken. */
const MOST_UNREAD_BYTES = 256 * 1024;
const CONTINUE = 'HTTP/1.1 100 Continue\r\n\r\n';

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

/** The answers of one connection, in the order of its requests. What one turn gives is written at once. */
export class HttpAnswers {
  /** Of the requests that were not answered, or whose answer waits for one before it. */
  readonly #slots: Slot[] = [];
  /** After those there are no more. */
  #isLast = false;
  /** By who gets a body. */
  #isHeldUp = false;
  #isFlushing = false;
  #out: (string | Uint8Array)[] = [];

  constructor(private readonly socket: Socket) {
    socket.on('drain', () => this.#flow());
  }

  get waiting(): number {
    return this.#slots.length;
  }

  /**
   * @param isLast the connection ends behind it
   * @param isAwaited who asks sends the body when he is told to: RFC 9110, clause 10.1.1
   */
  open(isLast: boolean, isAwaited = false): Slot {
    const slot = new Slot(this, isLast, isAwaited);
    this.#slots.push(slot);
    this.#isLast ||= isLast;
    return slot;
  }

  /** Ends the connection with this one, which may have been answered. */
  refuse(slot: Slot, status: string, message: string): void {
    slot.isLast = true;
    this.#isLast = true;
    slot.respond(status, 'Content-Type: text/plain\r\n', Buffer.from(`${message}\n`));
    this.#flushSoon();
  }

  /** An answer was given, or a body may come: neither before what was asked earlier is answered. */
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

  pause(): void {
    this.#isHeldUp = true;
    this.#flow();
  }

  resume(): void {
    this.#isHeldUp = false;
    this.#flow();
  }

  /** The connection is gone. */
  close(): void {
    for (const slot of this.#slots.splice(0)) if (!slot.answer) slot.onClose();
  }

  #flow(): void {
    if (this.#isHeldUp || this.socket.writableLength > MOST_UNREAD_BYTES) this.socket.pause();
    else this.socket.resume();
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
}

type Answer = readonly [status: string, headers: string, body: Uint8Array];

export class Slot implements HttpReply {
  answer: Answer | undefined;
  onClose: () => void = NOBODY;

  constructor(
    private readonly answers: HttpAnswers,
    public isLast: boolean,
    public isAwaited: boolean,
  ) {}

  respond(status: string, headers: string, body: Uint8Array): void {
    this.answer ??= [status, headers, body];
    this.answers.answered();
  }

  pause(): void {
    this.answers.pause();
  }

  resume(): void {
    this.answers.resume();
  }
}

const NOBODY = () => undefined;

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
