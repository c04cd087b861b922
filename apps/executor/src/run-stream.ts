import { asMeshError, type MeshError } from '#contracts';

type Taken = IteratorResult<Uint8Array, undefined>;
const DONE: Taken = { done: true, value: undefined };

/** What a run's end looks like from its stream. */
export interface RunEnds {
  /** The stream came to its end, well or not. */
  over(): void;
  /** Who took it wants no more. */
  left(): void;
}

/**
 * What follows an answer's first bytes, with the run that it belongs to: the run ends with it, and it breaks off when the
 * run is stopped, whatever the handler does then. One `next()` at a time.
 */
export class RunStream implements AsyncIterableIterator<Uint8Array, undefined> {
  readonly #iterator: AsyncIterator<Uint8Array>;
  #phase: 'open' | 'over' = 'open';
  /** Why it was stopped, until somebody was told. */
  #fault: MeshError | undefined;
  #taker: PromiseWithResolvers<Taken> | undefined;

  constructor(
    rest: AsyncIterable<Uint8Array>,
    private readonly run: RunEnds,
  ) {
    this.#iterator = rest[Symbol.asyncIterator]();
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async next(): Promise<Taken> {
    const fault = this.#fault;
    this.#fault = undefined;
    if (fault) throw fault;
    if (this.#phase === 'over') return DONE;
    const taker = Promise.withResolvers<Taken>();
    this.#taker = taker;
    this.#iterator.next().then(
      (item) => this.#got(item as Taken),
      (error: unknown) => this.#broke(asMeshError(error)),
    );
    return taker.promise;
  }

  async return(): Promise<Taken> {
    if (this.#phase === 'open') this.run.left();
    this.#fault = undefined;
    return DONE;
  }

  /** The run was stopped: who takes this is told why, at once. */
  stop(fault: MeshError): void {
    if (this.#phase === 'over') return;
    this.#phase = 'over';
    if (this.#taker) this.#taker.reject(fault);
    else this.#fault = fault;
    this.#taker = undefined;
  }

  #got(item: Taken): void {
    const taker = this.#taker;
    this.#taker = undefined;
    if (item.done && this.#phase === 'open') {
      this.#phase = 'over';
      this.run.over();
    }
    taker?.resolve(item);
  }

  #broke(fault: MeshError): void {
    if (this.#phase === 'over') return;
    this.#phase = 'over';
    this.#taker?.reject(fault);
    this.run.over();
  }
}
