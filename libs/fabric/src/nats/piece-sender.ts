import { asMeshError, MeshError, passed } from '#contracts';
import {
  brokenOff,
  type Credit,
  encodePiece,
  PIECE_BYTES,
  PIECE_OVERHEAD,
  type PieceMark,
  WINDOW_BYTES,
} from './piece.js';
import { type Beating, Silence } from './pulse.js';

/** @throws MeshError `not-connected` */
export type Say = (headers: Uint8Array, body: Uint8Array) => void;

const NO_BYTES = new Uint8Array(0);

/**
 * Sends what a source brings, in pieces, as far as there is credit; asks the source for more when what it brought is
 * gone. What several small pieces bring in one turn of the event loop goes out as one.
 */
export class PieceSender implements Beating {
  readonly #silence = new Silence();
  readonly #end = Promise.withResolvers<void>();
  #isOver = false;
  #hasSaidAll = false;
  #number = 0;
  /** By the same count as credit. */
  #sent = 0;
  readonly #pending: Uint8Array[] = [];
  #pendingBytes = 0;
  #flush: NodeJS.Immediate | undefined;
  #onRoom: (() => void) | undefined;
  #source: AsyncIterator<Uint8Array> | undefined;

  /** @param credit what may be sent before the other end says anything */
  constructor(
    private readonly say: Say,
    private credit: number,
  ) {}

  /**
   * Resolves when the other end has taken everything.
   * @throws MeshError what the source threw, which the other end is told; `client-gone` when that wants no more,
   *   `broken-off` when it is silent; `not-connected`
   */
  run(pieces: AsyncIterable<Uint8Array>): Promise<void> {
    this.#source = pieces[Symbol.asyncIterator]();
    if (this.#isOver) this.#dismiss();
    else void this.#pump(this.#source);
    return this.#end.promise;
  }

  accept(credit: Credit): void {
    if (this.#isOver) return;
    this.#silence.heard();
    if (credit === 'done' && this.#hasSaidAll) return this.#finish();
    if (typeof credit !== 'number') return this.break(new MeshError('client-gone'));
    // More than a window is never on its way, whatever the other end says.
    this.credit = Math.max(this.credit, Math.min(credit, this.#sent + WINDOW_BYTES));
    this.#sendWhatFits();
  }

  beat(): void {
    if (!this.#silence.beat(() => this.#tell('alive'))) this.break(brokenOff('the receiver is silent'));
  }

  /** Nothing more is sent, and the other end is told why. */
  abort(error: MeshError): void {
    this.#tell('error', NO_BYTES, error.code);
    this.break(error);
  }

  /** Nothing more is sent. */
  break(error: MeshError): void {
    if (this.#isOver) return;
    this.#over();
    this.#dismiss();
    this.#end.reject(error);
  }

  async #pump(source: AsyncIterator<Uint8Array>): Promise<void> {
    try {
      while (!this.#isOver) {
        const next = await source.next();
        if (next.done) return await this.#sendEnd();
        this.#add(next.value);
        if (this.#pendingBytes >= PIECE_BYTES) await this.#untilSent();
      }
    } catch (error) {
      this.#fail(asMeshError(error));
    }
  }

  async #sendEnd(): Promise<void> {
    await this.#untilSent();
    this.#tell('end');
    this.#hasSaidAll = true;
  }

  #add(bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    this.#pending.push(bytes);
    this.#pendingBytes += bytes.length;
    this.#flush ??= setImmediate(() => {
      this.#flush = undefined;
      this.#sendWhatFits();
    });
  }

  async #untilSent(): Promise<void> {
    this.#sendWhatFits();
    if (this.#pendingBytes === 0 || this.#isOver) return;
    await new Promise<void>((resolve) => {
      this.#onRoom = resolve;
    });
  }

  #sendWhatFits(): void {
    while (this.#pendingBytes > 0 && !this.#isOver) {
      const room = this.credit - this.#sent - PIECE_OVERHEAD;
      if (room <= 0) return;
      const piece = this.#take(Math.min(room, PIECE_BYTES));
      this.#sent += piece.length + PIECE_OVERHEAD;
      this.#tell('data', piece);
      this.#number++;
      passed(piece.length);
    }
    this.#wake();
  }

  /** So many of the pending bytes, or all. */
  #take(bytes: number): Uint8Array {
    const [first] = this.#pending;
    if (first && (first.length >= bytes || this.#pending.length === 1)) return this.#takeFrom(first, bytes);
    const taken: Uint8Array[] = [];
    for (let left = bytes; left > 0 && this.#pending[0]; ) {
      const part = this.#takeFrom(this.#pending[0], left);
      left -= part.length;
      taken.push(part);
    }
    return Buffer.concat(taken);
  }

  #takeFrom(first: Uint8Array, bytes: number): Uint8Array {
    const part = first.subarray(0, bytes);
    if (part.length === first.length) this.#pending.shift();
    else this.#pending[0] = first.subarray(bytes);
    this.#pendingBytes -= part.length;
    return part;
  }

  #tell(kind: PieceMark['kind'], body: Uint8Array = NO_BYTES, code?: string): void {
    if (this.#isOver) return;
    this.#silence.spoke();
    try {
      this.say(encodePiece(kind, this.#number, code), body);
    } catch (error) {
      this.break(asMeshError(error));
    }
  }

  /** The source failed. What there is no credit for is left out: it would not be whole anyway. */
  #fail(error: MeshError): void {
    if (this.#isOver) return;
    this.#sendWhatFits();
    this.#tell('error', NO_BYTES, error.code);
    if (this.#isOver) return;
    this.#over();
    this.#end.reject(error);
  }

  #finish(): void {
    this.#over();
    this.#end.resolve();
  }

  #over(): void {
    this.#isOver = true;
    clearImmediate(this.#flush);
    this.#pending.length = 0;
    this.#pendingBytes = 0;
    this.#wake();
  }

  #wake(): void {
    this.#onRoom?.();
    this.#onRoom = undefined;
  }

  /** Its source is not asked any more, and told so; how that ends is its own affair. */
  #dismiss(): void {
    void Promise.resolve(this.#source?.return?.()).catch(() => undefined);
  }
}
