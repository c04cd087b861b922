import {
  type AsyncCall,
  type AsyncState,
  callbackSubject,
  decodeAsyncState,
  decodeHeaders,
  encodeDone,
  encodeHeaders,
  HEADER_ROOM_BYTES,
  workMessageId,
} from '#contracts';
import type { Keep, Kept, Send, StreamWriter } from '#fabric';
import { collect, type Outcome, toItsEnd } from '#handler/runtime';
import { type EncodedReply, replyOf } from './settle.js';
import { AWAY, untilCertain } from './work/until-certain.js';
import type { WorkEvent } from './work/work-event.js';

/** Longest that a result waits for its bucket or stream, ms: then the event goes back, and its handler runs again. */
const LIMIT_MS = 30_000;
const WORTH = [...AWAY, 'queue-full'] as const;
/** How long a result is kept where nobody said so, ms. */
const KEEP_MS = 86_400_000;

/** State of an asynchronous call, as it was read. */
export interface KeptState {
  readonly revision: number;
  readonly state: AsyncState | undefined;
}

/**
 * Hands out the result of work to whoever asked for it: to KV `mesh_results`, to the stream of callbacks, and to the
 * subject `mesh-reply`. For most work nobody did.
 */
export class Deliver {
  constructor(
    private readonly results: Keep,
    private readonly callbacks: StreamWriter,
    private readonly send: Send,
    /** Largest body of a message, in bytes. */
    private readonly maxBody: () => number,
  ) {}

  /** What is kept of an asynchronous call. @throws MeshError `not-connected` */
  async stateOf({ work }: WorkEvent): Promise<KeptState> {
    return readState(await this.results.get(work.id));
  }

  /**
   * An outcome with all of its body, where anybody asked for it. Of another stream the handler is only led to its end.
   * Never rejects: what breaks it off is its outcome.
   */
  whole({ work: { id, keep, callback, reply } }: WorkEvent, outcome: Outcome): Promise<Outcome> {
    if (keep || callback !== undefined || reply !== undefined)
      return collect(outcome, id, this.maxBody() - HEADER_ROOM_BYTES);
    return toItsEnd(outcome, id);
  }

  /**
   * Resolves when the result is where it was asked for.
   * @param known what was read of the call before it ran
   * @param attempts how often it ran
   * @throws MeshError `not-connected`, `queue-full`
   */
  async result(
    event: WorkEvent,
    outcome: Outcome,
    version: string | undefined,
    attempts: number,
    known: KeptState | undefined,
  ): Promise<void> {
    const { keep, callback, reply } = event.work;
    if (!keep && callback === undefined && reply === undefined) return;
    // Beside it stands what is known of the call.
    const encoded = replyOf(outcome, event.work.id, version, this.maxBody() - HEADER_ROOM_BYTES);
    if (keep) await untilCertain(() => this.#keep(event, encoded, attempts, known), LIMIT_MS, WORTH);
    if (callback !== undefined) await untilCertain(() => this.#callBack(event, encoded), LIMIT_MS, WORTH);
    // A reply subject is a reply subject: nothing else can be told by a result.
    if (reply?.startsWith('_INBOX.')) this.send(reply, encoded.headers, encoded.body);
  }

  /** Where another was faster, it was a cancellation, or the same result from somebody else: it stands. */
  async #keep(
    event: WorkEvent,
    { result, body }: EncodedReply,
    attempts: number,
    known: KeptState | undefined,
  ): Promise<void> {
    for (let kept = known ?? (await this.stateOf(event)); ; kept = await this.stateOf(event)) {
      if (isFinal(event, kept)) return;
      const headers = encodeDone(kept.state?.call ?? unclaimed(event), result, attempts, Date.now());
      if ((await this.results.replace(event.work.id, kept.revision, headers, body)) !== undefined) return;
    }
  }

  async #callBack({ headers, work }: WorkEvent, encoded: EncodedReply): Promise<void> {
    const block = encodeHeaders({
      ...decodeHeaders(encoded.headers),
      'Nats-Msg-Id': `${workMessageId(work.id, work.replay)}#callback`,
      'mesh-callback': headers['mesh-callback'] ?? '',
    });
    await this.callbacks.write(callbackSubject(work.id), block, encoded.body);
  }
}

function readState(kept: Kept | undefined): KeptState {
  if (!kept) return { revision: 0, state: undefined };
  try {
    return { revision: kept.revision, state: decodeAsyncState(kept.headers) };
  } catch {
    // Nobody can read it, so it may be replaced.
    return { revision: kept.revision, state: undefined };
  }
}

/** Nothing is to be run or kept any more. A replay out of the dead letters begins anew. */
export const isFinal = ({ work }: WorkEvent, { state }: KeptState): boolean =>
  state?.state === 'cancelled' || (state?.state === 'done' && work.replay === 0);

/** Of work whose publisher asked for its result to be kept, and is no ingress; or that waited longer than its claim. */
const unclaimed = ({ path, item }: WorkEvent): AsyncCall => ({
  path,
  acceptedAt: Math.floor(item.storedAt),
  expires: Date.now() + KEEP_MS,
  keepMs: KEEP_MS,
});
