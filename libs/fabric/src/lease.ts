import { z } from 'zod';
import type { Keep, Kept } from './kept.js';

/*
 * Leases: what one of several processes may have at a time, kept in a KV bucket.
 *
 *   free ──claim──► held ──not renewed for LEASE_MS──► abandoned ──claim──► held by another
 *
 * No clock is compared with another one: a lease is abandoned when whoever looks has seen the same revision for
 * LEASE_MS of its own time. The holder counts from before the write that renewed it, so that it stops first.
 */

/** A holder that does not renew for so long has lost its lease, ms. */
export const LEASE_MS = 4_000;
const RENEWAL_MS = 1_000;

const record = z.object({
  /** Which process; empty: it was given back. */
  holder: z.string(),
  host: z.string(),
  pid: z.int(),
  /** Held beside another one, by who would give it up. */
  isSpare: z.boolean().default(false),
});

const NOBODY: z.infer<typeof record> = { holder: '', host: '', pid: 0, isSpare: false };

/** Whoever may hold leases. */
export interface Claimant {
  /** Another one for each process and each start. */
  readonly holder: string;
  readonly host: string;
  readonly pid: number;
}

/** `unknown`: held by one that has not been watched for long enough to tell. */
export type LeaseState = 'none' | 'free' | 'unknown' | 'held' | 'spare' | 'abandoned';

interface Sight {
  readonly revision: number;
  readonly record: z.infer<typeof record>;
  /** When this revision was first seen. */
  readonly since: number;
  /** Whether it was seen to be renewed. */
  readonly isAlive: boolean;
}

/** The leases in one bucket, as one process sees them. */
export class Leases {
  readonly #seen = new Map<string, Sight>();

  constructor(
    private readonly keep: Keep,
    private readonly me: Claimant,
    private readonly now: () => number = () => performance.now(),
    /** Whether a process of this machine is there. */
    private readonly isRunning: (pid: number) => boolean = runs,
  ) {}

  /** @throws MeshError `not-connected`; `not-found` while there is no such bucket */
  async look(name: string): Promise<LeaseState> {
    const sight = await this.#sight(name);
    if (!sight) return 'none';
    const { record, since, isAlive } = sight;
    if (record.holder === '') return 'free';
    if (this.now() - since > LEASE_MS || this.#isDead(record)) return 'abandoned';
    if (record.isSpare) return 'spare';
    return isAlive ? 'held' : 'unknown';
  }

  /**
   * Takes what was last seen, whoever had it.
   * @returns `undefined` when another was faster
   */
  async claim(name: string, isSpare = false): Promise<Lease | undefined> {
    const begun = this.now();
    const written = await write(this.keep, name, this.#seen.get(name)?.revision ?? 0, {
      ...this.me,
      isSpare,
    });
    return written === undefined
      ? undefined
      : new Lease(name, this.keep, { ...this.me, isSpare }, written, begun, this.now);
  }

  async #sight(name: string): Promise<Sight | undefined> {
    const kept = await this.keep.get(name);
    const before = this.#seen.get(name);
    if (!kept) {
      this.#seen.delete(name);
      return undefined;
    }
    if (before?.revision === kept.revision) return before;
    const record = read(kept) ?? NOBODY;
    const isAlive = before !== undefined && before.record.holder === record.holder;
    const sight = { revision: kept.revision, record, since: this.now(), isAlive };
    this.#seen.set(name, sight);
    return sight;
  }

  /** On this machine, or in this container, that can be seen at once: there is nothing to wait for. */
  #isDead({ host, pid, holder }: Sight['record']): boolean {
    if (host !== this.me.host || holder === this.me.holder) return false;
    return pid === this.me.pid || !this.isRunning(pid);
  }
}

/** A lease in hand. It renews itself until it is lost or given back. */
export class Lease {
  readonly #lost = Promise.withResolvers<void>();
  readonly #timer: NodeJS.Timeout;
  #isOver = false;
  #renewing: Promise<void> | undefined;

  constructor(
    readonly name: string,
    private readonly keep: Keep,
    private readonly record: Claimant & { readonly isSpare: boolean },
    private revision: number,
    private confirmed: number,
    private readonly now: () => number,
  ) {
    this.#timer = setInterval(() => this.#renew(), RENEWAL_MS);
  }

  /** Whether nobody else can have it at this moment: also false while NATS is away, until it is confirmed anew. */
  get isSure(): boolean {
    return !this.#isOver && this.now() - this.confirmed < LEASE_MS;
  }

  /** Resolves when another has it. */
  get lost(): Promise<void> {
    return this.#lost.promise;
  }

  /** Asks at once. @returns {@link isSure} */
  async confirm(): Promise<boolean> {
    this.#renew();
    await this.#renewing;
    return this.isSure;
  }

  /** Gives it back, so that others need not wait. Never rejects: without NATS they wait. */
  async release(): Promise<void> {
    this.#end();
    await this.#renewing;
    await write(this.keep, this.name, this.revision, { ...this.record, holder: '' }).catch(() => undefined);
  }

  #renew(): void {
    if (this.#isOver) return;
    this.#renewing ??= this.#write().finally(() => {
      this.#renewing = undefined;
    });
  }

  async #write(): Promise<void> {
    const begun = this.now();
    try {
      const written = await write(this.keep, this.name, this.revision, this.record);
      if (written !== undefined) this.#confirm(written, begun);
      else await this.#compare();
    } catch {
      // NATS is away. Nobody can take the lease meanwhile, and if somebody can, this is found out when it is back.
    }
  }

  /** Another revision than the last: another's, or ours, of a write whose answer was lost. */
  async #compare(): Promise<void> {
    const begun = this.now();
    const kept = await this.keep.get(this.name);
    if (kept && read(kept)?.holder === this.record.holder) this.#confirm(kept.revision, begun);
    else this.#lose();
  }

  #confirm(revision: number, begun: number): void {
    this.revision = revision;
    this.confirmed = begun;
  }

  #lose(): void {
    this.#end();
    this.#lost.resolve();
  }

  #end(): void {
    this.#isOver = true;
    clearInterval(this.#timer);
  }
}

const write = (keep: Keep, name: string, revision: number, value: z.infer<typeof record>) =>
  keep.replace(name, revision, {}, Buffer.from(JSON.stringify(value)));

/** `undefined` for what is no record. */
function read({ value }: Kept): z.infer<typeof record> | undefined {
  try {
    return record.safeParse(JSON.parse(Buffer.from(value).toString())).data;
  } catch {
    return undefined;
  }
}

function runs(pid: number): boolean {
  try {
    // Signal 0 only asks.
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
