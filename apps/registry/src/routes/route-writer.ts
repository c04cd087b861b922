import { type ControlPath, isMeshError, MeshError } from '#contracts';
import { type Connection, openRouteStore, type RouteStore } from '#fabric';
import type { Log } from '#lifecycle';
import type { ReadRoutes, RouteOutbox } from '../catalogue/route-outbox.js';
import { carryRoutes, differing } from './carry-routes.js';

/** A change made to KV behind our back lasts no longer than this, ms. */
const RECONCILE_MS = 30_000;
/** After an attempt that failed, ms. */
const RETRY_MS = 1_000;
/** What another registry left behind when it died is carried on after this, ms. */
const LOOK_MS = 1_000;

/** Routes that are carried under one lock while reconciling. */
const AT_ONCE = 500;

/**
 * Keeps KV `mesh_routes` equal to the catalogue, which is the truth. Changes come through the outbox; what was
 * changed or lost behind our back is found by reconciling.
 *
 * 1. Routes are read and written under one lock over all registries.
 * 2. A key's tag is read before the catalogue is, and the write names it. A registry that was frozen and lost the
 *    lock meanwhile is refused by KV: an older route never overwrites a newer one.
 * 3. A note leaves the outbox after the write. Stopped in between, the write is done again, which changes nothing.
 *
 * States: waiting for NATS → following (reconciling at each connect and periodically, one at a time) → stopped.
 */
export class RouteWriter {
  readonly #outbox: RouteOutbox;
  readonly #log: Log;
  #connection: Connection | undefined;
  #store: RouteStore | undefined;
  readonly #timers: { reconcile?: NodeJS.Timeout; look?: NodeJS.Timeout } = {};
  #reconciling: Promise<void> | undefined;
  #looking: Promise<void> | undefined;
  /** The relay that runs, and the one after it, which sees what is committed now. */
  #relaying: Promise<void> | undefined;
  #queued: Promise<void> | undefined;
  #reconciled = false;
  #failing = false;
  #stuck = false;
  #stopped = false;

  constructor(outbox: RouteOutbox, log: Log) {
    this.#outbox = outbox;
    this.#log = log;
  }

  /** True once KV equalled the catalogue. */
  get reconciled(): boolean {
    return this.#reconciled;
  }

  /** NATS is there. Resolves after the first attempt to reconcile. */
  async follow(connection: Connection): Promise<void> {
    this.#connection = connection;
    connection.onStatus((connected) => {
      if (connected) void this.reconcile();
    });
    await this.reconcile();
    this.#look();
  }

  /** @throws MeshError `not-connected`, so that nothing is accepted that could not go live now */
  assertWritable(): void {
    if (!this.#connection?.connected) throw new MeshError('not-connected');
  }

  /**
   * Carries to KV what is committed now.
   * @throws MeshError `not-connected`: it is recorded, and will be carried when the connection is back
   */
  async flush(): Promise<void> {
    try {
      this.#queued ??= this.#relayNext();
      await this.#queued;
    } catch (error) {
      if (isMeshError(error)) throw error;
      throw new MeshError('not-connected', RECORDED, { cause: error });
    }
  }

  /** Makes KV equal to the catalogue. Never rejects: what cannot be done now is tried again soon. */
  async reconcile(): Promise<void> {
    // Wait for the one that runs, then look again: it may have read before what we were called for.
    while (this.#reconciling) await this.#reconciling;
    if (this.#stopped) return;
    this.#reconciling = this.#reconcileOnce();
    await this.#reconciling;
    this.#reconciling = undefined;
    this.#schedule(this.#failing ? RETRY_MS : RECONCILE_MS);
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#timers.reconcile);
    clearTimeout(this.#timers.look);
    await Promise.allSettled([this.#reconciling, this.#looking, this.#queued, this.#relaying]);
  }

  async #relayNext(): Promise<void> {
    await this.#relaying?.catch(() => {});
    this.#relaying = this.#queued;
    this.#queued = undefined;
    while (await this.#outbox.relay((paths, read) => this.#carry(paths, read)));
  }

  async #carry(paths: readonly ControlPath[], read: ReadRoutes): Promise<ControlPath[]> {
    try {
      return await carryRoutes(await this.#openStore(), paths, read, this.#log);
    } catch (error) {
      this.#store = undefined;
      throw error;
    }
  }

  /** Another registry may have died with notes in the outbox, and a relay of our own may have failed. */
  #look(): void {
    if (this.#stopped) return;
    this.#timers.look = setTimeout(() => {
      this.#looking = this.#relayLeftOver().then(() => this.#look());
    }, LOOK_MS);
  }

  async #relayLeftOver(): Promise<void> {
    try {
      if (this.#connection?.connected && !(await this.#outbox.isEmpty())) await this.flush();
      this.#stuck = false;
    } catch (error) {
      if (!this.#stuck) this.#log.warn('Changes of routes wait in the outbox; trying on.', error);
      this.#stuck = true;
    }
  }

  #schedule(ms: number): void {
    clearTimeout(this.#timers.reconcile);
    if (!this.#stopped) this.#timers.reconcile = setTimeout(() => void this.reconcile(), ms);
  }

  async #reconcileOnce(): Promise<void> {
    // A reconnect calls again.
    if (!this.#connection?.connected) return;
    try {
      const changes = await this.#equalize(await this.#openStore());
      if (changes > 0) this.#log.info(`Routes corrected in KV: ${changes}.`);
      this.#reconciled = true;
      this.#failing = false;
    } catch (error) {
      this.#store = undefined;
      if (!this.#failing) this.#log.warn('Routes cannot be reconciled; trying on.', error);
      this.#failing = true;
    }
  }

  /** Looks without the lock, so that nobody waits for 10,000 routes to be compared. @returns how many were carried */
  async #equalize(store: RouteStore): Promise<number> {
    const paths = await differing(store, (query) => this.#outbox.read(query));
    for (let at = 0; at < paths.length; at += AT_ONCE)
      await this.#outbox.withRoutes((read) => this.#carry(paths.slice(at, at + AT_ONCE), read));
    return paths.length;
  }

  /** Opened anew after any failure: the bucket may be gone, as after a server that lost its disk. */
  async #openStore(): Promise<RouteStore> {
    this.assertWritable();
    this.#store ??= await openRouteStore(this.#connection as Connection);
    return this.#store;
  }
}

const RECORDED = 'The change is recorded; it will be carried to the executors when the connection is back.';
