import type { MeshError } from '#contracts';

/** More than this waits: whoever gives is held up, bytes. */
const MOST_WAITING = 128 * 1024;
/** What a piece counts at the least: short ones take memory too. */
const LEAST = 256;

type Taken = IteratorResult<Uint8Array, undefined>;
const DONE: Taken = { done: true, value: undefined };

/** What arrives in pieces, for one who takes it at a pace of his own; what has gathered is given at once. */
export class PieceQueue implements AsyncIterableIterator<Uint8Array, undefined> {
  #pieces: Buffer[] = [];
  #size = 0;
  #end: 'open' | 'ended' | 'left' | MeshError = 'open';
  #taker: PromiseWithResolvers<Taken> | undefined;

  /** @param flow holds up whoever gives, and lets him go on */
  constructor(private readonly flow: { pause(): void; resume(): void }) {}

  push(piece: Buffer): void {
    if (this.#end !== 'open' || piece.length === 0) return;
    this.#pieces.push(piece);
    this.#size += Math.max(LEAST, piece.length);
    // Held up already, until somebody asks again.
    if (this.#size > MOST_WAITING) this.flow.pause();
    this.#give();
  }

  /** @param fault why it broke off, after what came before */
  end(fault?: MeshError): void {
    if (this.#end === 'open') this.#end = fault ?? 'ended';
    this.#give();
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  next(): Promise<Taken> {
    this.#taker = Promise.withResolvers();
    const { promise } = this.#taker;
    this.#give();
    return promise;
  }

  async return(): Promise<Taken> {
    this.#end = 'left';
    this.#pieces = [];
    this.flow.resume();
    this.#give();
    return DONE;
  }

  #give(): void {
    const taker = this.#taker;
    if (!taker || (this.#pieces.length === 0 && this.#end === 'open')) return;
    this.#taker = undefined;
    if (this.#pieces.length > 0) return taker.resolve({ done: false, value: this.#takeAll() });
    if (typeof this.#end === 'string') taker.resolve(DONE);
    else taker.reject(this.#end);
  }

  #takeAll(): Uint8Array {
    const [only] = this.#pieces;
    const all = only && this.#pieces.length === 1 ? only : Buffer.concat(this.#pieces);
    this.#pieces = [];
    this.#size = 0;
    this.flow.resume();
    return all;
  }
}
