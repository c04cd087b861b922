import type { PieceReceiver } from './piece-receiver.js';
import { heedPiece, type StreamEnds } from './stream-ends.js';

type Result = IteratorResult<Uint8Array, undefined>;
const OVER: Result = { done: true, value: undefined };

/** The body of a request that follows it in pieces: asked for when the first one is taken, and only then. */
export class BodyPieces implements AsyncIterableIterator<Uint8Array, undefined> {
  #receiver: PieceReceiver | undefined;
  #isClosed = false;

  /** @param caller reply subject of the request */
  constructor(
    private readonly ends: StreamEnds,
    private readonly caller: string,
  ) {}

  [Symbol.asyncIterator](): this {
    return this;
  }

  async next(): Promise<Result> {
    if (this.#isClosed) return OVER;
    this.#receiver ??= this.#open();
    return this.#receiver.next();
  }

  async return(): Promise<Result> {
    this.#isClosed = true;
    return this.#receiver?.return() ?? OVER;
  }

  /** The call is answered: its caller sends no more, and need not be told. */
  close(): void {
    this.#isClosed = true;
    this.#receiver?.close();
  }

  #open(): PieceReceiver {
    const end = this.ends.open((message) => heedPiece(receiver, message));
    const receiver: PieceReceiver = this.ends.receiver(this.caller, () => end.close(), end.subject);
    receiver.open();
    return receiver;
  }
}
