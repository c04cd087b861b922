import type { BodySink } from './http-body.js';
import { MOST_RESPONSE_BYTES } from './rejections.js';

/** For a body that nobody wants; it is read all the same, since what comes next stands behind it. */
export const DISCARD: BodySink = { data: () => undefined, end: () => undefined, broken: () => undefined };

/**
 * A body as a whole. What is too much is read to its end and not kept: a client that is still sending would take an early
 * answer for a broken connection.
 */
export class WholeBody implements BodySink {
  readonly #pieces: Buffer[] = [];
  #size = 0;

  /** @param whole `trailers` as lines; of a body that is too large the first bytes, and `isTooLarge` */
  constructor(
    private readonly whole: (body: Uint8Array, trailers: string, isTooLarge: boolean) => void,
    readonly broken: () => void,
  ) {}

  data(bytes: Buffer): void {
    this.#size += bytes.length;
    if (this.#size <= MOST_RESPONSE_BYTES) this.#pieces.push(bytes);
  }

  end(trailers: string): void {
    const [first] = this.#pieces;
    const body = first && this.#pieces.length === 1 ? first : Buffer.concat(this.#pieces);
    this.whole(body, trailers, this.#size > MOST_RESPONSE_BYTES);
  }
}
