import type { Lease, Leases } from '#fabric';
import type { Log } from '#lifecycle';
import type { Seat } from './seat.js';

export interface SeatsParts {
  readonly leases: Pick<Leases, 'look' | 'claim'>;
  /** Of the session that one replica at a time has; with shares a number is added. */
  readonly clientId: string;
  /** The group for shared subscriptions; `undefined` while the broker has not said whether it has them. */
  readonly share: () => Promise<{ readonly group: string | undefined } | undefined>;
  readonly open: (lease: Lease, share: string | undefined) => Seat;
  readonly log: Log;
}

const LOOK_EVERY_MS = 500;
/** How long a session may be without a replica before another one takes it beside its own, ms: a restart is quicker. */
const ORPHAN_MS = 10_000;

/**
 * Which sessions at the broker this replica has.
 *
 *   without shares   one session for all replicas: who has the lease works, the others stand by
 *   with shares      a session for each replica, numbered from 0. What the broker keeps for one whose replica is gone
 *                    would never be handled: another one takes it, too, until a new replica asks for it
 *
 * Invariant: a session is only used under its lease.
 */
export class Seats {
  readonly #seats = new Map<string, Seat>();
  /** Sessions without a replica, and since when. */
  readonly #orphans = new Map<string, number>();
  readonly #decided = Promise.withResolvers<void>();
  #timer: NodeJS.Timeout | undefined;
  #looking: Promise<void> = Promise.resolve();
  #isStopped = false;
  #isStandby = false;
  #fault = '';

  constructor(private readonly parts: SeatsParts) {}

  get all(): Seat[] {
    return [...this.#seats.values()];
  }

  /** Another replica has what there is. */
  get isStandby(): boolean {
    return this.#isStandby && this.#seats.size === 0;
  }

  /** Resolves when this replica has a session and has tried to connect, or stands by, or the broker cannot be reached. */
  async start(): Promise<void> {
    this.#next(0);
    await this.#decided.promise;
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    clearTimeout(this.#timer);
    await this.#looking;
    await Promise.all(this.all.map((seat) => seat.stop()));
  }

  #next(ms: number): void {
    this.#timer = setTimeout(() => {
      this.#looking = this.#look().finally(() => {
        if (!this.#isStopped) this.#next(LOOK_EVERY_MS);
      });
    }, ms);
  }

  async #look(): Promise<void> {
    try {
      const share = await this.parts.share();
      if (!share) this.#decided.resolve();
      else if (share.group === undefined) await this.#lookForOne();
      else await this.#lookForMany(share.group);
      this.#fault = '';
    } catch (error) {
      this.#complain(error as Error);
    }
  }

  async #lookForOne(): Promise<void> {
    const { clientId, leases } = this.parts;
    if (this.#seats.size > 0) return;
    const state = await leases.look(clientId);
    if (state === 'none' || state === 'free' || state === 'abandoned') await this.#take(clientId, undefined);
    else if (state !== 'unknown') this.#standBy();
  }

  async #lookForMany(group: string): Promise<void> {
    const found = await this.#survey();
    if (this.#seats.size > 0) return this.#adopt(found.orphans, group);
    // One that may turn out to be without a replica is better than one more.
    if (found.isUncertain) return;
    await this.#take(found.orphans[0] ?? found.spares[0] ?? found.next, group);
  }

  /** Every numbered session, up to the first number that was never used. */
  async #survey() {
    const orphans: string[] = [];
    const spares: string[] = [];
    let isUncertain = false;
    for (let number = 0; ; number++) {
      const name = `${this.parts.clientId}-${number}`;
      const state = this.#seats.has(name) ? 'held' : await this.parts.leases.look(name);
      if (state === 'none') return { orphans, spares, isUncertain, next: name };
      if (state === 'free' || state === 'abandoned') orphans.push(name);
      else this.#orphans.delete(name);
      if (state === 'spare') spares.push(name);
      if (state === 'unknown') isUncertain = true;
    }
  }

  async #adopt(orphans: readonly string[], group: string): Promise<void> {
    const now = performance.now();
    for (const name of orphans) {
      const since = this.#orphans.get(name) ?? now;
      this.#orphans.set(name, since);
      if (now - since >= ORPHAN_MS) await this.#take(name, group, true);
    }
  }

  async #take(name: string, group: string | undefined, isSpare = false): Promise<void> {
    const lease = await this.parts.leases.claim(name, isSpare);
    if (!lease) return;
    this.#orphans.delete(name);
    if (isSpare) this.parts.log.info('Took the session of a replica that is gone.', { clientId: name });
    const seat = this.parts.open(lease, group);
    this.#seats.set(name, seat);
    void lease.lost.then(() => this.#lost(name, seat));
    this.#isStandby = false;
    void seat.start().then(() => this.#decided.resolve());
  }

  #lost(name: string, seat: Seat): void {
    if (this.#isStopped) return;
    this.parts.log.warn('Another replica has taken the session at the MQTT broker.', { clientId: name });
    this.#seats.delete(name);
    void seat.cut();
  }

  #standBy(): void {
    if (!this.#isStandby)
      this.parts.log.info('Standing by: another replica has the session at the MQTT broker.', {
        clientId: this.parts.clientId,
      });
    this.#isStandby = true;
    this.#decided.resolve();
  }

  /** Said once for each fault, not for each attempt. */
  #complain(error: Error): void {
    this.#decided.resolve();
    if (this.#fault === error.message) return;
    this.#fault = error.message;
    this.parts.log.warn('Cannot tell which replica has the session at the MQTT broker; asking on.', {
      fault: error.message,
    });
  }
}
