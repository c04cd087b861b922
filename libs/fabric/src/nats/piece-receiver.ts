import { asMeshError, type MeshError, passed } from '#contracts';
import { brokenOff, type Credit, PIECE_OVERHEAD, type PieceMark, WINDOW_BYTES } from './piece.js';
import { type Beating, Silence } from './pulse.js';

/**
 * After so many beats, 30 s, without ever having been asked for a piece it gives up: whoever lost it would keep the
 * other end, and the stop of both, waiting for ever.
 */
export const FORGOTTEN_BEATS = 20;

type Result = IteratorResult<Uint8Array, undefined>;

/**
 * Puts the pieces of a stream in front of whoever takes them, in their order, and gives credit as they are taken. What
 * came before the stream broke off is still handed out; then it throws.
 */
export class PieceReceiver implements AsyncIterableIterator<Uint8Array, undefined>, Beating {
  readonly #silence = new Silence();
  readonly #queue: Uint8Array[] = [];
  readonly #takers: PromiseWithResolvers<Result>[] = [];
  #expected = 0;
  /** By the same count as credit. */
  #received = 0;
  #taken = 0;
  #credit = WINDOW_BYTES;
  #hasLeft = false;
  #beatsUntilAsked = FORGOTTEN_BEATS;
  #state: 'open' | 'ended' | 'closed' | MeshError = 'open';

  /**
   * @param say tells the sender; throws MeshError `not-connected`
   * @param leave called once, when nothing is to be heard any more
   */
  constructor(
    private readonly say: (credit: Credit) => void,
    private readonly leave: () => void,
  ) {}

  [Symbol.asyncIterator](): this {
    return this;
  }

  /** Something came. */
  accept(mark: PieceMark, bytes: Uint8Array): void {
    if (this.#state !== 'open') return;
    this.#silence.heard();
    if (mark.number !== this.#expected)
      return this.#refuse(`piece ${this.#expected} was expected, and ${mark.number} came`);
    if (mark.kind === 'data') this.#add(bytes);
    else if (mark.kind === 'end') this.#ended();
    else if (mark.kind === 'error') this.break(mark.error);
  }

  /** Says that the sender may begin; then, how much was taken. */
  open(): void {
    this.#say(this.#credit);
  }

  beat(): void {
    if (this.#beatsUntilAsked > 0 && --this.#beatsUntilAsked === 0) {
      this.#say('stop');
      return this.#giveUp(brokenOff('nobody takes what came'));
    }
    // Once it has said the end, the sender has nothing left to say.
    if (this.#state === 'ended') this.#silence.heard();
    if (!this.#silence.beat(() => this.#say(this.#credit))) this.break(brokenOff('the sender is silent'));
  }

  /** What is queued is still handed out; the next piece is this error. */
  break(error: MeshError): void {
    // Where the end has come, all of it is here: whether the sender learns so is its affair.
    if (this.#state === 'open') this.#giveUp(error);
  }

  next(): Promise<Result> {
    this.#beatsUntilAsked = 0;
    const taker = Promise.withResolvers<Result>();
    this.#takers.push(taker);
    this.#settle();
    return taker.promise;
  }

  /** The rest is not wanted; the sender is told. */
  async return(): Promise<Result> {
    this.close('stop');
    return { done: true, value: undefined };
  }

  /** @param say what the sender is told, if anything */
  close(say?: 'stop'): void {
    const wasHeard = this.#state === 'open' || this.#state === 'ended';
    if (wasHeard && say) this.#say(say);
    this.#state = 'closed';
    this.#queue.length = 0;
    this.#leave();
    this.#settle();
  }

  #add(bytes: Uint8Array): void {
    this.#received += bytes.length + PIECE_OVERHEAD;
    if (this.#received > this.#credit) return this.#refuse('more came than there was room for');
    this.#expected++;
    this.#queue.push(bytes);
    this.#settle();
  }

  #ended(): void {
    this.#state = 'ended';
    this.#settle();
  }

  #giveUp(error: MeshError): void {
    this.#state = error;
    this.#leave();
    this.#settle();
  }

  #refuse(why: string): void {
    this.#say('stop');
    this.break(brokenOff(why));
  }

  #settle(): void {
    while (this.#takers.length > 0) {
      const bytes = this.#queue.shift();
      if (bytes) this.#hand(bytes);
      else if (this.#state === 'open') return;
      else this.#handEnd();
    }
  }

  #hand(bytes: Uint8Array): void {
    this.#taken += bytes.length + PIECE_OVERHEAD;
    this.#takers.shift()?.resolve({ done: false, value: bytes });
    passed(bytes.length);
    const credit = this.#taken + WINDOW_BYTES;
    if (this.#state !== 'open' || credit - this.#credit < WINDOW_BYTES / 2) return;
    this.#credit = credit;
    this.#say(credit);
  }

  #handEnd(): void {
    const taker = this.#takers.shift();
    const state = this.#state;
    if (state === 'ended') {
      this.#say('done');
      this.#state = 'closed';
      this.#leave();
    } else if (typeof state === 'object') {
      this.#state = 'closed';
      taker?.reject(state);
      return;
    }
    taker?.resolve({ done: true, value: undefined });
  }

  #leave(): void {
    if (this.#hasLeft) return;
    this.#hasLeft = true;
    this.leave();
  }

  #say(credit: Credit): void {
    this.#silence.spoke();
    try {
      this.say(credit);
    } catch (error) {
      this.break(asMeshError(error));
    }
  }
}
