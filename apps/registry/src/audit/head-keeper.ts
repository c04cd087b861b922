import { MeshError } from '#contracts';
import { type AuditHead, type AuditHeadStore, type Connection, openAuditHead } from '#fabric';
import type { Log } from '#lifecycle';
import type { Catalogue } from '../catalogue/catalogue.js';

/** The head in KV is behind the chain for no longer than this, ms, whatever failed. */
const LOOK_MS = 1_000;

/**
 * Keeps the head of the audit chain in KV, where whoever can change the database cannot. A cut tail, or a chain that was
 * written anew from the middle on, no longer passes through the head that is kept there.
 *
 * Invariant: the head only moves forward along the chain. Where the chain does not pass through it, it stays: it is the
 * evidence.
 */
export class HeadKeeper {
  #connection: Connection | undefined;
  #store: AuditHeadStore | undefined;
  #timer: NodeJS.Timeout | undefined;
  #current: Promise<void> | undefined;
  #kept: AuditHead | undefined;
  #stopped = false;
  #complained = false;

  constructor(
    private readonly catalogue: Pick<Catalogue, 'audit' | 'onChange'>,
    private readonly log: Log,
  ) {
    catalogue.onChange(() => void this.keep());
  }

  /** NATS is there. Resolves after the first attempt. */
  async follow(connection: Connection): Promise<void> {
    this.#connection = connection;
    await this.#look();
  }

  /**
   * The head as it is kept in KV; `undefined` while none was written.
   * @throws MeshError `not-connected`
   */
  async kept(): Promise<AuditHead | undefined> {
    if (!this.#connection?.connected) throw new MeshError('not-connected');
    try {
      return (await (await this.#open(this.#connection)).get())?.head;
    } catch (cause) {
      this.#store = undefined;
      throw new MeshError('not-connected', undefined, { cause });
    }
  }

  /** Writes the head as it is now, if it can. Never rejects. */
  async keep(): Promise<void> {
    while (this.#current) await this.#current;
    this.#current = this.#keepOnce().finally(() => {
      this.#current = undefined;
    });
    await this.#current;
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#timer);
    await this.keep();
  }

  async #look(): Promise<void> {
    await this.keep();
    if (!this.#stopped) this.#timer = setTimeout(() => void this.#look(), LOOK_MS);
  }

  async #keepOnce(): Promise<void> {
    if (!this.#connection?.connected) return;
    try {
      const head = await this.catalogue.audit.head();
      if (head?.seq !== this.#kept?.seq || head?.hash !== this.#kept?.hash)
        await this.#advance(await this.#open(this.#connection), head);
    } catch {
      // Postgres or NATS is away, or another registry was quicker: the next look sees.
      this.#store = undefined;
    }
  }

  async #advance(store: AuditHeadStore, head: AuditHead | undefined): Promise<void> {
    const before = await store.get();
    if (before && !(await this.#passesThrough(before.head))) return this.#complain(before.head);
    if (head && head.seq > (before?.head.seq ?? 0)) await store.put(head, before?.revision);
    this.#kept = head;
    this.#complained = false;
  }

  async #passesThrough({ seq, hash }: AuditHead): Promise<boolean> {
    return (await this.catalogue.audit.link(seq))?.hash === hash;
  }

  #complain({ seq }: AuditHead): void {
    if (!this.#complained)
      this.log.error(
        `The audit is not what it was: entry ${seq} is missing or changed. See GET /v1/audit/verify.`,
      );
    this.#complained = true;
  }

  async #open(connection: Connection): Promise<AuditHeadStore> {
    this.#store ??= await openAuditHead(connection);
    return this.#store;
  }
}
