/** Who gets a body as it arrives. */
export interface BodySink {
  data(bytes: Buffer): void;
  /** @param trailers lines `name: value`, of a chunked body that has any */
  end(trailers: string): void;
  /** The connection broke before that. */
  broken(): void;
}

/** What comes is no request: it is told, and nothing more is read of its connection. */
export class HttpFault extends Error {
  constructor(
    message: string,
    readonly status = '400 Bad Request',
  ) {
    super(message);
  }
}

/**
 * Of a head, or of trailers: all lines together. Lambda's own clients send `Lambda-Runtime-Function-XRay-Error-Cause` with
 * an error, up to 1 MiB.
 */
export const MOST_FIELD_BYTES = 1.125 * 1024 * 1024;

export const fieldsTooLarge = (): HttpFault =>
  new HttpFault(
    `Header fields of more than ${MOST_FIELD_BYTES} bytes are not read.`,
    '431 Request Header Fields Too Large',
  );

type State = 'length' | 'size' | 'chunk' | 'gap' | 'trailers' | 'done';

const CRLF = '\r\n';

/** The framing of one request's body: RFC 9112, clauses 6 and 7. */
export class BodyReader {
  #state: State;
  #left: number;
  #trailers = '';

  /** @throws HttpFault for a framing that is none, or that could be read in two ways: clause 6.3 */
  constructor(contentLength: string | undefined, transferEncoding: string | undefined) {
    const isChunked = transferEncoding !== undefined;
    if (isChunked && (contentLength !== undefined || transferEncoding.toLowerCase() !== 'chunked'))
      throw new HttpFault('Its Transfer-Encoding is not "chunked" alone.');
    this.#left = contentLength === undefined ? 0 : lengthOf(contentLength);
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
    const length = (end < 0 ? bytes.length : end) - at;
    if (this.#trailers.length + length > MOST_FIELD_BYTES) throw fieldsTooLarge();
    if (end < 0) return at;
    this.#read(bytes.toString('latin1', at, end));
    return end + CRLF.length;
  }

  #read(line: string): void {
    switch (this.#state) {
      case 'size':
        return this.#size(line);
      case 'gap':
        if (line !== '') throw new HttpFault('A chunk is longer than its size says.');
        this.#state = 'size';
        return;
      default:
        if (line === '') this.#state = 'done';
        else this.#trailers += `${CRLF}${line}`;
    }
  }

  #size(line: string): void {
    // What follows a semicolon says nothing that is understood here: clause 7.1.1.
    const hex = line.split(';', 1)[0]?.trim() ?? '';
    if (!/^[0-9a-f]{1,8}$/i.test(hex)) throw new HttpFault('The size of a chunk is no number.');
    this.#left = Number.parseInt(hex, 16);
    this.#state = this.#left === 0 ? 'trailers' : 'chunk';
  }
}

function lengthOf(text: string): number {
  const length = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  if (!Number.isSafeInteger(length)) throw new HttpFault('Its Content-Length is no number.');
  return length;
}
