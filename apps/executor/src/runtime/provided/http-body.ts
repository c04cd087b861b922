/** Who gets a body as it arrives. */
export interface BodySink {
  data(bytes: Buffer): void;
  /** @param trailers lines `name: value`, of a chunked body that has any */
  end(trailers: string): void;
  /** The connection broke before that. */
  broken(): void;
}

export class HttpFault extends Error {}

type State = 'length' | 'size' | 'chunk' | 'gap' | 'trailers' | 'done';

const CRLF = '\r\n';

/** The framing of one request's body: RFC 9112, clauses 6 and 7. */
export class BodyReader {
  #state: State;
  #left: number;
  #trailers = '';

  /** @throws HttpFault for a length that is none */
  constructor(contentLength: string | undefined, transferEncoding: string | undefined) {
    const isChunked = transferEncoding !== undefined && /(?:^|,)\s*chunked\s*$/i.test(transferEncoding);
    this.#left = isChunked ? 0 : Number(contentLength ?? 0);
    if (!Number.isSafeInteger(this.#left) || this.#left < 0) throw new HttpFault('content-length');
    this.#state = isChunked ? 'size' : this.#left > 0 ? 'length' : 'done';
  }

  get isDone(): boolean {
    return this.#state === 'done';
  }

  get trailers(): string {
    return this.#trailers;
  }

  /**
   * Takes what belongs to the body.
   * @returns where the rest begins: behind the body, or a line that is not there as a whole yet
   * @throws HttpFault for a framing that is none
   */
  take(bytes: Buffer, from: number, sink: BodySink): number {
    let at = from;
    while (this.#state !== 'done' && at < bytes.length) {
      const next =
        this.#state === 'length' || this.#state === 'chunk'
          ? this.#data(bytes, at, sink)
          : this.#line(bytes, at);
      if (next === at) break;
      at = next;
    }
    return at;
  }

  #data(bytes: Buffer, at: number, sink: BodySink): number {
    const end = Math.min(bytes.length, at + this.#left);
    this.#left -= end - at;
    if (this.#left === 0) this.#state = this.#state === 'length' ? 'done' : 'gap';
    sink.data(bytes.subarray(at, end));
    return end;
  }

  #line(bytes: Buffer, at: number): number {
    const end = bytes.indexOf(CRLF, at);
    if (end < 0) return at;
    const line = bytes.toString('latin1', at, end);
    if (this.#state === 'gap') this.#state = 'size';
    else if (this.#state === 'size') this.#size(line);
    else if (line === '') this.#state = 'done';
    else this.#trailers += `${CRLF}${line}`;
    return end + 2;
  }

  #size(line: string): void {
    // What follows a semicolon says nothing that is understood here: clause 7.1.1.
    const hex = line.split(';', 1)[0]?.trim() ?? '';
    if (!/^[0-9a-f]{1,8}$/i.test(hex)) throw new HttpFault('chunk-size');
    this.#left = Number.parseInt(hex, 16);
    this.#state = this.#left === 0 ? 'trailers' : 'chunk';
  }
}
