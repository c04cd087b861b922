import { MeshError } from '../../contracts/src/errors.js';
import { type Encoded, encodePiece, NOTHING } from './encode-body.js';
import { openSource, type StreamSource } from './stream-source.js';

/** Bytes that go together at the most, and after which the handler is asked for no more until they are taken. */
const FULL = 64 * 1024;
/** What a piece counts at the least: a handler that gives empty ones without end is not asked without end. */
const LEAST = 64;

/** What a stream began with. */
export interface Opening {
  readonly body: Uint8Array;
  /** Of its first piece, where there was one. */
  readonly contentType: string | undefined;
  /** Nothing follows: it is an answer like any other. */
  readonly isWhole: boolean;
}

type Taker = PromiseWithResolvers<IteratorResult<Uint8Array, undefined>>;
const DONE: IteratorReturnResult<undefined> = { done: true, value: undefined };

/**
 * What a handler returned to be sent in pieces, as bytes. What it gives within one turn of the event loop goes together,
 * so that a thousand short lines are not a thousand messages, and one that comes alone goes at once.
 *
 *     open ──► ended     the handler gave its last value, or threw
 *       └────► stopped   nobody wants more
 *
 * Invariants: it is asked for a value only while somebody waits for one; what it gave is copied before it is asked again,
 * since it may fill the same buffer anew; one `next()` at a time.
 */
export class AnswerStream implements AsyncIterableIterator<Uint8Array, undefined> {
  /** Of the first piece. */
  #contentType: string | undefined;
  #phase: 'open' | 'ended' | 'stopped' = 'open';
  #fault: MeshError | undefined;
  readonly #source: StreamSource;
  #pieces: Uint8Array[] = [];
  #weight = 0;
  /** The source's `next()`, until it settles. */
  #asked: Promise<void> | undefined;
  #taker: Taker | undefined;
  #turn: NodeJS.Immediate | undefined;
  /** A `next()` of the opening that was not waited for. */
  #first: Taker['promise'] | undefined;
  readonly #over = Promise.withResolvers<void>();

  /** @param value for which `isStream` holds */
  constructor(value: object) {
    this.#source = openSource(value);
  }

  /** Resolves when the handler's own stream has ended, whoever ended it. Never rejects. */
  get ended(): Promise<void> {
    return this.#over.promise;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  /**
   * Waits for what comes in this turn; with `untyped` for the first piece, which says what the content type is.
   * @throws MeshError `handler-error`, `bad-answer`: it broke off before anything had to be sent
   */
  async open(untyped: boolean): Promise<Opening> {
    const first = this.next();
    const head = untyped ? await first : await Promise.race([first, thisTurn()]);
    if (this.#fault) throw this.#fault;
    if (head === undefined) {
      this.#first = first;
      // It is thrown where it is taken.
      first.catch(() => undefined);
    }
    const isWhole = this.#phase === 'ended' && this.#pieces.length === 0;
    return { body: head?.value ?? NOTHING, contentType: this.#contentType, isWhole };
  }

  next(): Taker['promise'] {
    const first = this.#first;
    this.#first = undefined;
    if (first) return first;
    this.#taker = Promise.withResolvers();
    const { promise } = this.#taker;
    if (this.#pieces.length > 0 || this.#phase !== 'open') this.#giveSoon();
    this.#ask();
    return promise;
  }

  /** Asks the handler's stream to end, and waits no longer: a generator that waits for something ends after that. */
  async return(): Promise<IteratorReturnResult<undefined>> {
    const wasOpen = this.#phase === 'open';
    this.#phase = 'stopped';
    this.#pieces = [];
    this.#fault = undefined;
    this.#taker?.resolve(DONE);
    this.#taker = undefined;
    if (wasOpen) void this.#stop();
    return DONE;
  }

  #ask(): void {
    if (this.#asked || !this.#taker || this.#phase !== 'open' || this.#weight >= FULL) return;
    this.#asked = this.#askOnce().finally(() => {
      this.#asked = undefined;
      this.#ask();
    });
  }

  async #askOnce(): Promise<void> {
    try {
      const { done, value } = await this.#source.next();
      if (this.#phase === 'stopped') return;
      if (done) this.#end();
      else this.#took(value);
    } catch (cause) {
      if (this.#phase !== 'stopped') this.#end(new MeshError('handler-error', undefined, { cause }));
    }
  }

  #took(value: unknown): void {
    const piece = encodedPiece(value);
    if (piece instanceof MeshError) return this.#refuse(piece);
    this.#contentType ??= piece.contentType;
    const { body } = piece;
    if (body.length > 0) this.#pieces.push(body.length < FULL ? new Uint8Array(body) : body);
    this.#weight += Math.max(LEAST, body.length);
    this.#giveSoon();
  }

  /** It gave what cannot be sent. */
  #refuse(fault: MeshError): void {
    this.#phase = 'ended';
    this.#fault = fault;
    void this.#stop();
    this.#giveSoon();
  }

  #end(fault?: MeshError): void {
    this.#phase = 'ended';
    this.#fault = fault;
    this.#over.resolve();
    this.#giveSoon();
  }

  #giveSoon(): void {
    this.#turn ??= setImmediate(() => {
      this.#turn = undefined;
      this.#give();
    });
  }

  #give(): void {
    const taker = this.#taker;
    if (!taker) return;
    if (this.#pieces.length === 0 && this.#phase === 'open') {
      // Empty pieces only.
      this.#weight = 0;
      return this.#ask();
    }
    this.#taker = undefined;
    if (this.#pieces.length > 0) return taker.resolve({ done: false, value: this.#take() });
    const fault = this.#fault;
    this.#fault = undefined;
    if (fault) taker.reject(fault);
    else taker.resolve(DONE);
  }

  #take(): Uint8Array {
    const [piece] = this.#pieces;
    if (piece && piece.length >= FULL) return this.#takeFrom(piece);
    const long = this.#pieces.findIndex(({ length }) => length >= FULL);
    const short = this.#pieces.splice(0, long < 0 ? this.#pieces.length : long);
    this.#weight = long < 0 ? 0 : FULL;
    return short.length === 1 ? (short[0] as Uint8Array) : Buffer.concat(short);
  }

  /** The handler waits until all of it is taken, so that only what goes now is copied. */
  #takeFrom(piece: Uint8Array): Uint8Array {
    const rest = piece.subarray(FULL);
    if (rest.length === 0) this.#pieces.shift();
    else this.#pieces[0] = rest.length < FULL ? new Uint8Array(rest) : rest;
    this.#weight = rest.length;
    return new Uint8Array(piece.subarray(0, FULL));
  }

  async #stop(): Promise<void> {
    const asked = this.#asked;
    try {
      await this.#source.stop();
    } catch {
      // What it throws at its end nobody waits for.
    }
    await asked;
    this.#over.resolve();
  }
}

function encodedPiece(value: unknown): Required<Encoded> | MeshError {
  try {
    return encodePiece(value);
  } catch (error) {
    if (error instanceof MeshError) return error;
    return new MeshError('bad-answer', 'It threw while being read.', { cause: error });
  }
}

/** After what a promise or two more bring: what comes then is given at the end of the turn, too. */
const thisTurn = (): Promise<undefined> =>
  new Promise((resolve) => void setImmediate(() => setImmediate(() => resolve(undefined))));
