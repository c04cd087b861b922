import { isMeshError, MeshError } from '#contracts';
import type { StockHead } from '#fabric';
import type { Catalogue } from '../catalogue/catalogue.js';
import type { Actor } from '../catalogue/values.js';
import type { DeadLetters, Run } from './dead-letters.js';
import { type DeadQuery, letterOf } from './letter.js';
import type { BulkView } from './views.js';

export type Treatment = 'replay' | 'drop';

export interface BulkRequest {
  readonly query: DeadQuery;
  readonly run: Run;
  /** So many at the most. */
  readonly limit: number;
  readonly by: Actor;
}

/** Replays that are under way at once: each waits for two answers of the message server. */
const AT_ONCE = 32;

/** Dead letters, one or many at a time, treated on record: the audit is written before anything is done. */
export class DeadTreatment {
  constructor(
    private readonly letters: DeadLetters,
    private readonly catalogue: Catalogue,
  ) {}

  /** @throws MeshError `no-route`, `not-found`, `queue-full`, `catalogue-unavailable` */
  async one(treatment: Treatment, handle: string, by: Actor): Promise<BulkView> {
    const message = await this.letters.find(handle);
    const { id, seq, path, reason } = letterOf(message);
    if (treatment === 'replay') await this.#refuseDeadEnds([message]);
    await this.#record(treatment, by, { id, seq, reason, count: 1 }, path);
    if (treatment === 'replay') await this.letters.replay(message);
    else await this.letters.drop(seq);
    return { matched: 1, done: 1, refused: [], next: null };
  }

  /** How many are meant. */
  async count({ query, run }: BulkRequest): Promise<number> {
    let count = 0;
    for await (const _ of this.letters.each(query, run)) count++;
    return count;
  }

  /** The oldest first. What cannot be replayed stays, and is named. */
  async many(treatment: Treatment, request: BulkRequest): Promise<{ view: BulkView; next: Run | undefined }> {
    const { query, run, limit, by } = request;
    const heads: StockHead[] = [];
    let isMore = false;
    for await (const head of this.letters.each(query, run)) {
      isMore = heads.length === limit;
      if (isMore) break;
      heads.push(head);
    }
    const last = heads.at(-1)?.seq ?? run.through;
    const about = { ...query, count: heads.length, first: heads[0]?.seq ?? null, last };
    if (heads.length > 0) await this.#record(treatment, by, about, query.path);
    const refused = await this.#treatAll(treatment, heads);
    const view = { matched: heads.length, done: heads.length - refused.length, refused, next: null };
    return { view, next: isMore ? { after: last, through: run.through } : undefined };
  }

  async #treatAll(treatment: Treatment, heads: readonly StockHead[]): Promise<BulkView['refused']> {
    const refused: BulkView['refused'] = [];
    const routed = treatment === 'replay' ? await this.#routed(heads) : undefined;
    for (let at = 0; at < heads.length; at += AT_ONCE) {
      const codes = await Promise.all(
        heads.slice(at, at + AT_ONCE).map((head) => this.#treat(treatment, head, routed)),
      );
      codes.forEach((code, i) => {
        const { seq, id } = letterOf(heads[at + i] as StockHead);
        if (code !== undefined) refused.push({ seq, id, code });
      });
    }
    return refused;
  }

  /** Why not; `undefined` when it is done. */
  async #treat(
    treatment: Treatment,
    { seq, subject }: StockHead,
    routed: ReadonlySet<string> | undefined,
  ): Promise<string | undefined> {
    try {
      if (treatment === 'drop') await this.letters.drop(seq);
      else if (!routed?.has(subject)) return 'no-route';
      else await this.#replayAt(seq);
      return undefined;
    } catch (error) {
      if (!isMeshError(error)) throw error;
      return error.code;
    }
  }

  async #replayAt(seq: number): Promise<void> {
    const message = await this.letters.get(seq);
    // Somebody else was quicker.
    if (message) await this.letters.replay(message);
  }

  /** Subjects whose path has a live route: the others would be back at once. */
  async #routed(heads: readonly StockHead[]): Promise<ReadonlySet<string>> {
    const paths = new Map(heads.map((head) => [head.subject, letterOf(head).path]));
    const live = (await this.catalogue.handlers({ paths: [...new Set(paths.values())] })).filter(
      (handler) => handler.live.length > 0,
    );
    const names = new Set<string>(live.map(({ path }) => path));
    return new Set([...paths].filter(([, path]) => names.has(path)).map(([subject]) => subject));
  }

  /** @throws MeshError `no-route` */
  async #refuseDeadEnds(heads: readonly StockHead[]): Promise<void> {
    if ((await this.#routed(heads)).size === 0)
      throw new MeshError('no-route', 'It would be back here at once: make a version live first.');
  }

  async #record(
    treatment: Treatment,
    by: Actor,
    detail: Record<string, unknown>,
    path: string | undefined,
  ): Promise<void> {
    const entry = { by, action: `dead-${treatment}`, before: null, after: null, detail };
    await this.catalogue.audit.append(path === undefined ? entry : { ...entry, path });
  }
}
