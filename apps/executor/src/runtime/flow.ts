import { asMeshError, MeshError, passed } from '#contracts';

/*
 * A body in pieces between executor and worker, in either direction: an `Outflow` sends as far as it has credit, an
 * `Inflow` gives credit for what was taken from it. So neither side ever holds more than a window of what the other has
 * not taken, however fast the one and however slow the other.
 */

/** What may be on its way or wait to be taken, bytes. */
export const WINDOW = 256 * 1024;
/** Bytes of a piece at the most. */
export const PIECE = 64 * 1024;
/** Credit is given back for so much at once, bytes: less than what would leave no room for a piece. */
const PAY = WINDOW / 4;
/** What a piece counts at the least: short ones take memory too. */
const LEAST = 256;

const weigh = ({ length }: Uint8Array): number => Math.max(LEAST, length);

type Taken = IteratorResult<Uint8Array, undefined>;
const DONE: Taken = { done: true, value: undefined };

/** What came and waits to be taken. One `next()` at a time. */
export class Inflow implements AsyncIterableIterator<Uint8Array, undefined> {
  readonly #pieces: Uint8Array[] = [];
  /** Came and was not given credit for again. */
  #unpaid = 0;
  /** Of that, what was taken. */
  #due = 0;
  #phase: 'open' | 'ended' | 'left' = 'open';
  #fault: MeshError | undefined;
  #taker: PromiseWithResolvers<Taken> | undefined;

  /**
   * @param pay tells the sender that there is room for so many bytes more
   * @param leave tells it that nobody wants the rest
   */
  constructor(
    private readonly pay: (bytes: number) => void,
    private readonly leave: () => void,
  ) {}

  /** @throws Error where the sender had no credit for it */
  push(piece: Uint8Array): void {
    this.#unpaid += weigh(piece);
    if (this.#unpaid > WINDOW) throw new Error('It sent more than there was room for.');
    if (this.#phase !== 'open') return;
    this.#pieces.push(piece);
    this.#give();
  }

  /** Nothing comes any more. @param fault why it broke off: thrown after what came before */
  end(fault?: MeshError): void {
    if (this.#phase !== 'open') return;
    this.#phase = 'ended';
    this.#fault = fault;
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
    const wasOpen = this.#phase === 'open';
    this.#phase = 'left';
    this.#fault = undefined;
    this.#pieces.length = 0;
    this.#give();
    if (wasOpen) this.leave();
    return DONE;
  }

  #give(): void {
    const taker = this.#taker;
    if (!taker) return;
    const piece = this.#pieces.shift();
    if (!piece && this.#phase === 'open') return;
    this.#taker = undefined;
    if (piece) {
      this.#pay(weigh(piece));
      passed(piece.length);
      return taker.resolve({ done: false, value: piece });
    }
    const fault = this.#fault;
    this.#fault = undefined;
    if (fault) taker.reject(fault);
    else taker.resolve(DONE);
  }

  #pay(bytes: number): void {
    this.#due += bytes;
    if (this.#due < PAY || this.#phase !== 'open') return;
    this.#unpaid -= this.#due;
    this.pay(this.#due);
    this.#due = 0;
  }
}

/** Sends a stream as fast as it is taken. */
export class Outflow {
  readonly #iterator: AsyncIterator<Uint8Array>;
  #credit = WINDOW;
  #cancelled = false;
  #wake: (() => void) | undefined;

  constructor(
    source: AsyncIterable<Uint8Array>,
    private readonly send: (piece: Uint8Array) => void,
  ) {
    this.#iterator = source[Symbol.asyncIterator]();
  }

  /** Resolves when all is sent, or not all is going to be: with why. Never rejects. */
  async run(): Promise<MeshError | undefined> {
    try {
      while (!this.#cancelled) {
        const { done, value } = await this.#iterator.next();
        if (done) break;
        for (let at = 0; at < value.length && !this.#cancelled; at += PIECE)
          await this.#sendPiece(value.subarray(at, at + PIECE));
      }
      return this.#cancelled ? new MeshError('client-gone') : undefined;
    } catch (error) {
      return asMeshError(error);
    }
  }

  /** There is room for so many bytes more. @throws Error when that is no number of bytes */
  credit(bytes: number): void {
    if (!Number.isInteger(bytes) || bytes < 1 || this.#credit + bytes > WINDOW)
      throw new Error('Credit for what was not sent.');
    this.#credit += bytes;
    this.#wake?.();
  }

  /** Nobody wants more. */
  cancel(): void {
    if (this.#cancelled) return;
    this.#cancelled = true;
    this.#wake?.();
    // What it throws at its end nobody waits for.
    Promise.resolve(this.#iterator.return?.()).catch(() => undefined);
  }

  async #sendPiece(piece: Uint8Array): Promise<void> {
    while (this.#credit < weigh(piece) && !this.#cancelled)
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    if (this.#cancelled) return;
    this.#credit -= weigh(piece);
    this.send(piece);
  }
}

/** First bytes and what follows them, as one. */
export function joined(
  first: Uint8Array,
  rest: AsyncIterable<Uint8Array> | undefined,
): AsyncIterableIterator<Uint8Array, undefined> {
  let isFirst = first.length > 0;
  const iterator = rest?.[Symbol.asyncIterator]();
  return {
    [Symbol.asyncIterator]() {
      return this;
    },
    async next() {
      if (!isFirst) return iterator ? ((await iterator.next()) as Taken) : DONE;
      isFirst = false;
      return { done: false, value: first };
    },
    // Past a generator, whose own would wait for the piece before it.
    async return() {
      isFirst = false;
      await iterator?.return?.();
      return DONE;
    },
  };
}

/** Nobody wants it: for a stream of which nothing was taken. */
export function letGo(stream: AsyncIterable<Uint8Array>): void {
  const left = stream[Symbol.asyncIterator]().return?.();
  Promise.resolve(left).catch(() => undefined);
}
