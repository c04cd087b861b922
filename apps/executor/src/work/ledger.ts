import { type DeadReason, isMeshError, type WorkRouting } from '#contracts';
import type { Keep, Kept, WorkItem } from '#fabric';
import type { Log } from '#lifecycle';

/** What is known of the attempts at one event. */
export interface Tried {
  /** Runs that began. */
  readonly started: number;
  /** Those of them that ended, badly, with their worker alive. The others may have ended their executor. */
  readonly failed: number;
  /** Not before then, ms since 1970: a server that restarts forgets delays. */
  readonly notBefore?: number;
  readonly lastError?: string;
  /** It is to be a dead letter, for which there was no room. */
  readonly dead?: { readonly reason: DeadReason; readonly error: string };
}

export const UNTRIED: Tried = { started: 0, failed: 0 };
/** Of an event that was delivered and not given back: it may have been running when its executor ended. */
const PERHAPS_STARTED: Tried = { started: 1, failed: 0 };

/** Events given back by this executor that are remembered without asking. */
const MAX_REMEMBERED = 20_000;

type Entry = { readonly key: string; readonly deliveries: number; readonly tried: Tried };
/** What names an event here. */
export interface Ledgered {
  readonly item: Pick<WorkItem, 'seq' | 'deliveries'>;
  readonly work: Pick<WorkRouting, 'id' | 'replay'>;
}

/**
 * Attempts at events that did not end well at once, in KV `mesh_attempts`. The first delivery reads and writes nothing;
 * before each later run it is written that it begins, so that an event which ends its executor is counted although
 * nothing ran after that.
 *
 * Invariant: an event that is given back without having begun leaves a record that says so; hence one that is delivered
 * again and has no record may have begun.
 */
export class Ledger {
  readonly #remembered = new Map<number, Entry>();

  constructor(
    private readonly keep: Keep,
    private readonly log: Pick<Log, 'error'>,
  ) {}

  /** @throws MeshError `not-connected` */
  async read({ item, work }: Ledgered): Promise<Tried> {
    if (item.deliveries === 1) return UNTRIED;
    const known = this.#remembered.get(item.seq);
    this.#remembered.delete(item.seq);
    const key = keyOf(work);
    // Nobody has had it between: what we know is all there is.
    if (known?.key === key && known.deliveries === item.deliveries - 1) return known.tried;
    const kept = await this.keep.get(key).catch(unlessMissing);
    return kept ? readTried(kept) : PERHAPS_STARTED;
  }

  /** @throws MeshError `not-connected` */
  async write({ work }: Ledgered, tried: Tried): Promise<void> {
    try {
      await this.keep.put(keyOf(work), {}, Buffer.from(JSON.stringify(tried)));
    } catch (error) {
      if (isMeshError(error) && error.code === 'not-connected') throw error;
      // Better an attempt too many than work that is never done.
      this.log.error('Attempts at work could not be written down.', { id: work.id, error });
    }
  }

  /** It goes back to the stream: remembers what was written, as long as nobody else has it. */
  remember({ item, work }: Ledgered, tried: Tried): void {
    this.#remembered.set(item.seq, { key: keyOf(work), deliveries: item.deliveries, tried });
    if (this.#remembered.size > MAX_REMEMBERED)
      for (const oldest of this.#remembered.keys()) {
        this.#remembered.delete(oldest);
        return;
      }
  }

  /** It has ended. Where that is not heard, the bucket forgets it by its age. */
  forget({ work }: Ledgered): void {
    this.keep.remove(keyOf(work)).catch(() => undefined);
  }
}

function readTried({ value }: Kept): Tried {
  try {
    return { ...PERHAPS_STARTED, ...(JSON.parse(Buffer.from(value).toString()) as Tried) };
  } catch {
    // Somebody else's: no reason to leave the event lying.
    return PERHAPS_STARTED;
  }
}

const keyOf = ({ id, replay }: Pick<WorkRouting, 'id' | 'replay'>): string =>
  replay === 0 ? id : `${id}.r${replay}`;

/** No bucket: no registry was ever there, so nobody has written anything. */
function unlessMissing(error: unknown): undefined {
  if (isMeshError(error) && error.code === 'not-found') return undefined;
  throw error;
}
