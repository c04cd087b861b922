import { encodeReplay, isControlPath, MeshError, workSubject } from '#contracts';
import type { StockHead, StockMessage, StreamStock, StreamWriter } from '#fabric';
import { type DeadLetter, type DeadQuery, letterOf, letterSubject, matches } from './letter.js';

/** Heads that are read at once while looking back, at first and at the most. */
const FIRST_WINDOW = 200;
const LAST_WINDOW = 50_000;

export interface DeadStreams {
  readonly dead: StreamStock;
  readonly writer: StreamWriter;
}

/** A run over many of them: those that come later than it began are none of it. */
export interface Run {
  /** After this place. */
  readonly after: number;
  /** Up to this place. */
  readonly through: number;
}

/**
 * The dead letters. The stream DEAD alone is the truth, so that what executors put there can be treated whatever else
 * is away.
 */
export class DeadLetters {
  /** @param reach throws MeshError `not-connected` while there is no connection yet */
  constructor(private readonly reach: () => DeadStreams) {}

  /** The newest first. @param before only those at an earlier place */
  async list(query: DeadQuery, before: number | undefined, limit: number): Promise<DeadLetter[]> {
    const heads = await this.#lookBack(
      letterSubject(query),
      before,
      limit,
      (head) => matches(query, head),
      query.since ?? 0,
    );
    return heads.map(letterOf);
  }

  /**
   * @param handle a mesh-id, the newest one of which is meant, or a place in the stream
   * @throws MeshError `not-found`
   */
  async find(handle: string): Promise<StockMessage> {
    const seq = /^\d{1,15}$/.test(handle) ? Number(handle) : await this.#placeOf(handle);
    const found = seq === undefined ? undefined : await this.reach().dead.get(seq);
    if (found) return found;
    throw new MeshError('not-found', 'There is no such dead letter; it may have been replayed or dropped.');
  }

  /** Where a run over all that there is now begins and ends. */
  async wholeRun(): Promise<Run> {
    const { last } = await this.reach().dead.state();
    return { after: 0, through: last };
  }

  /** In order, the oldest first. */
  async *each(query: DeadQuery, { after, through }: Run): AsyncGenerator<StockHead> {
    for await (const head of this.reach().dead.heads(letterSubject(query), after + 1, through))
      if (matches(query, head)) yield head;
  }

  /**
   * Puts the event before the executors again, then removes the letter. Stopped in between, the next replay finds that the
   * stream has it already (`duplicate`) and only removes.
   * @returns whether it was put there just now
   * @throws MeshError `queue-full`, `not-connected`: it is still here
   */
  async replay(message: StockMessage): Promise<boolean> {
    const { dead, writer } = this.reach();
    const { path } = letterOf(message);
    if (!isControlPath(path)) throw new MeshError('no-route', 'It was sent to no control path.');
    // Its time is over; who replays it wants it to run all the same.
    const { 'mesh-expires': _, ...headers } = message.headers;
    const { duplicate } = await writer.write(workSubject(path), encodeReplay(headers), message.body);
    await dead.remove(message.seq);
    return !duplicate;
  }

  /** @returns whether it was there */
  drop(seq: number): Promise<boolean> {
    return this.reach().dead.remove(seq);
  }

  /** @returns `undefined` when it is not there any more */
  get(seq: number): Promise<StockMessage | undefined> {
    return this.reach().dead.get(seq);
  }

  async #placeOf(id: string): Promise<number | undefined> {
    // A letter is never older than its event, whose id begins with the time (RFC 9562, clause 5.7).
    const [found] = await this.#lookBack(
      'mesh.dead.>',
      undefined,
      1,
      ({ headers }) => headers['mesh-id'] === id,
      mintedAt(id) - CLOCKS_MS,
    );
    return found?.seq;
  }

  /** A stream is read forwards only: so a window after the other, each larger than the one before. */
  async #lookBack(
    subject: string,
    before: number | undefined,
    limit: number,
    isMeant: (head: StockHead) => boolean,
    notBefore: number,
  ): Promise<StockHead[]> {
    const { dead } = this.reach();
    const { first, last } = await dead.state();
    const found: StockHead[] = [];
    let to = Math.min(last, (before ?? Number.POSITIVE_INFINITY) - 1);
    for (
      let size = FIRST_WINDOW;
      to >= first && found.length < limit;
      size = Math.min(size * 4, LAST_WINDOW)
    ) {
      const from = Math.max(first, to - size + 1);
      const heads = await gathered(dead.heads(subject, from, to));
      found.push(...heads.filter(isMeant).reverse());
      if (heads[0] && heads[0].storedAt < notBefore) break;
      to = from - 1;
    }
    return found.slice(0, limit);
  }
}

/** Clocks of two machines differ by no more than this, ms. */
const CLOCKS_MS = 60_000;

/** When a mesh-id was minted, ms since 1970; 0 for one that does not say. */
export function mintedAt(id: string): number {
  return id[14] === '7' ? Number.parseInt(id.slice(0, 8) + id.slice(9, 13), 16) : 0;
}

async function gathered(heads: AsyncIterable<StockHead>): Promise<StockHead[]> {
  const all: StockHead[] = [];
  for await (const head of heads) all.push(head);
  return all;
}
