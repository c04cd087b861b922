import type { BodySink } from './http-body.js';
import { MOST_RESPONSE_BYTES } from './rejections.js';

/** For a body that nobody wants; it is read all the same, since what comes next stands behind it. */
export const DISCARD: BodySink = { data: () => undefined, end: () => undefined, broken: () => undefined };

/**
 * A body as a whole. What is too much is read to its end and not kept: a client that is still sending would take an early
 * answer for a broken connection. Pieces are gathered as they come: a byte of each would bring a buffer of a hundred along.
 */
export class WholeBody implements BodySink {
  /** Its beginning; of one piece, as most are, that piece. */
  #bytes: Buffer = NOTHING;
  #size = 0;

  /** @param whole `trailers` as lines; of a body that is too large nothing, and `isTooLarge` */
  constructor(
    private readonly whole: (body: Uint8Array, trailers: string, isTooLarge: boolean) => void,
    readonly broken: () => void,
  ) {}

  data(bytes: Buffer): void {
    const at = this.#size;
    this.#size += bytes.length;
    if (at === 0) this.#bytes = bytes;
    else if (this.#size <= MOST_RESPONSE_BYTES) this.#append(bytes, at);
  }

  end(trailers: string): void {
    if (this.#size > MOST_RESPONSE_BYTES) this.whole(NOTHING, trailers, true);
    else this.whole(this.#taken(this.#size), trailers, false);
  }

  #append(bytes: Buffer, at: number): void {
    if (this.#size > this.#bytes.length) {
      const grown = Buffer.allocUnsafe(Math.min(MOST_RESPONSE_BYTES, 2 * this.#size));
      grown.set(this.#taken(at));
      this.#bytes = grown;
    }
    this.#bytes.set(bytes, at);
  }

  #taken(size: number): Buffer {
    return this.#bytes.length === size ? this.#bytes : this.#bytes.subarray(0, size);
  }
}

const NOTHING = Buffer.alloc(0);
