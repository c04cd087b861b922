import { connect } from 'node:net';

/*
 * One keep-alive connection of HTTP/1.1 and one request on it at a time, by hand: a generator that costs more than what it
 * loads would measure itself. It reads the status and finds the end of the answer, by its length or its last chunk.
 */

const HEAD_END = Buffer.from('\r\n\r\n');
const LAST_CHUNK = Buffer.from('0\r\n\r\n');

export class HttpConnection {
  #socket;
  #read = Buffer.alloc(0);
  #waiting;
  broken = false;

  constructor(port) {
    this.#socket = connect(port, '127.0.0.1').setNoDelay(true);
    this.#socket.on('data', (chunk) => this.#take(chunk));
    this.#socket.on('error', () => this.#break());
    this.#socket.on('close', () => this.#break());
  }

  /** @returns {Promise<number>} its status; 0 when the connection broke */
  send(bytes) {
    const { promise, resolve } = Promise.withResolvers();
    this.#waiting = resolve;
    if (this.broken) this.#settle(0);
    else this.#socket.write(bytes);
    return promise;
  }

  close() {
    this.#socket.destroy();
  }

  #take(chunk) {
    this.#read = this.#read.length === 0 ? chunk : Buffer.concat([this.#read, chunk]);
    const status = wholeAnswer(this.#read);
    if (status === undefined) return;
    this.#read = Buffer.alloc(0);
    this.#settle(status);
  }

  #break() {
    this.broken = true;
    this.#settle(0);
  }

  #settle(status) {
    const resolve = this.#waiting;
    this.#waiting = undefined;
    resolve?.(status);
  }
}

/** @returns the status, once all of the answer is there */
function wholeAnswer(read) {
  const end = read.indexOf(HEAD_END);
  if (end < 0) return undefined;
  const head = read.latin1Slice(0, end);
  const length = /\r\ncontent-length: *(\d+)/i.exec(head)?.[1];
  const chunked = length === undefined && /\r\ntransfer-encoding: *chunked/i.test(head);
  const rest = read.length - end - HEAD_END.length;
  const whole = chunked ? read.subarray(-LAST_CHUNK.length).equals(LAST_CHUNK) : rest >= Number(length ?? 0);
  return whole ? Number(head.slice(9, 12)) : undefined;
}
