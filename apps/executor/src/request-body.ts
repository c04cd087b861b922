import { asMeshError, MeshError } from '#contracts';

type Taken = IteratorResult<Uint8Array, undefined>;

const tooLarge = (most: number) =>
  new MeshError('payload-too-large', `This handler takes at most ${most} bytes.`);

/** The largest body that crosses to a worker in one message, bytes. A handler that takes more takes it in pieces. */
const MOST_WHOLE = 64 * 1024 * 1024;
/** What all bodies together may have that are being put together here, bytes. */
const MOST_AT_ONCE = 256 * 1024 * 1024;

/**
 * A body that came in pieces, for a handler that takes it as a whole. It is waited for before the run has a place among
 * those of its handler, so that a slow client holds none.
 * @param most bytes that the handler takes
 * @throws MeshError `payload-too-large`, `too-busy`; what the pieces threw
 */
export class Assembly {
  #held = 0;

  async whole(first: Uint8Array, rest: AsyncIterable<Uint8Array>, most: number): Promise<Uint8Array> {
    const limit = Math.min(most, MOST_WHOLE);
    const pieces: Uint8Array[] = [];
    let size = 0;
    const add = (piece: Uint8Array) => {
      pieces.push(piece);
      size += piece.length;
      this.#held += piece.length;
      if (size > limit) throw tooLarge(limit);
      if (this.#held > MOST_AT_ONCE)
        throw new MeshError('too-busy', 'Too many large bodies are on their way at once.');
    };
    try {
      add(first);
      for await (const piece of rest) add(piece);
      return Buffer.concat(pieces);
    } finally {
      this.#held -= size;
    }
  }
}

/**
 * What follows of a request's body, on its way to its handler.
 * @param left bytes that it may have
 * @param broke told why it broke off, before the handler is
 */
export function watched(
  rest: AsyncIterable<Uint8Array>,
  left: number,
  most: number,
  broke: (fault: MeshError) => void,
): AsyncIterableIterator<Uint8Array, undefined> {
  const iterator = rest[Symbol.asyncIterator]();
  let room = left;
  return {
    [Symbol.asyncIterator]() {
      return this;
    },
    async next() {
      try {
        const item = (await iterator.next()) as Taken;
        room -= item.value?.length ?? 0;
        if (room < 0) throw tooLarge(most);
        return item;
      } catch (error) {
        const fault = asMeshError(error);
        broke(fault);
        throw fault;
      }
    },
    async return() {
      await iterator.return?.();
      return { done: true, value: undefined };
    },
  };
}
