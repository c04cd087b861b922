import { isDeepStrictEqual } from 'node:util';
import { type ControlPath, isMeshError, MeshError } from '#contracts';
import { type Connection, openRouteStore, type RouteStore } from '#fabric';
import type { Log } from '#lifecycle';
import type { Catalogue, ReadRoutes } from '../catalogue/catalogue.js';
import { routeOf } from './route-of.js';

/** A crash between commit and write, or a change made behind our back, lasts no longer than this, ms. */
const RECONCILE_MS = 30_000;
/** After an attempt that failed, ms. */
const RETRY_MS = 1_000;

/**
 * Keeps KV `mesh_routes` equal to the catalogue, which is the truth. Routes are read and written under one lock
 * over all registries: an older route never overwrites a newer one.
 *
 * States: waiting for NATS → following (reconciling at each connect and periodically, one at a time) → stopped.
 */
export class RouteWriter {
  readonly #catalogue: Catalogue;
  readonly #log: Log;
  #connection: Connection | undefined;
  #store: RouteStore | undefined;
  #timer: NodeJS.Timeout | undefined;
  #current: Promise<void> | undefined;
  #reconciled = false;
  #failing = false;
  #stopped = false;

  constructor(catalogue: Catalogue, log: Log) {
    this.#catalogue = catalogue;
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
  }

  /** @throws MeshError `not-connected`, so that nothing is accepted that could not go live now */
  assertWritable(): void {
    if (!this.#connection?.connected) throw new MeshError('not-connected');
  }

  /**
   * Writes one route as the catalogue has it now.
   * @throws MeshError `not-connected`: it is recorded, and {@link reconcile} will write it
   */
  async write(path: ControlPath): Promise<void> {
    try {
      await this.#catalogue.withRoutes(async (read) => {
        const store = await this.#openStore();
        for (const handler of await read({ paths: [path] })) await store.put(routeOf(handler));
      });
    } catch (error) {
      this.#store = undefined;
      this.#schedule(RETRY_MS);
      if (isMeshError(error)) throw error;
      this.#log.warn(`The route of ${path} is recorded but not written; trying on.`, error);
      throw new MeshError('not-connected', RECORDED, { cause: error });
    }
  }

  /** Makes KV equal to the catalogue. Never rejects: what cannot be done now is tried again soon. */
  async reconcile(): Promise<void> {
    // Wait for the one that runs, then look again: it may have read before what we were called for.
    while (this.#current) await this.#current;
    if (this.#stopped) return;
    this.#current = this.#reconcileOnce();
    await this.#current;
    this.#current = undefined;
    this.#schedule(this.#failing ? RETRY_MS : RECONCILE_MS);
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#timer);
    await this.#current;
  }

  #schedule(ms: number): void {
    clearTimeout(this.#timer);
    if (!this.#stopped) this.#timer = setTimeout(() => void this.reconcile(), ms);
  }

  async #reconcileOnce(): Promise<void> {
    // A reconnect calls again.
    if (!this.#connection?.connected) return;
    try {
      const changes = await this.#catalogue.withRoutes(async (read) =>
        this.#equalize(await this.#openStore(), read),
      );
      if (changes > 0) this.#log.info(`Routes corrected in KV: ${changes}.`);
      this.#reconciled = true;
      this.#failing = false;
    } catch (error) {
      this.#store = undefined;
      if (!this.#failing) this.#log.warn('Routes cannot be reconciled; trying on.', error);
      this.#failing = true;
    }
  }

  /** @returns how many keys were written or removed */
  async #equalize(store: RouteStore, read: ReadRoutes): Promise<number> {
    const written = await store.list();
    const wanted = new Map((await read({})).map((handler) => [handler.path, routeOf(handler)]));
    const stale = [...wanted.values()].filter((route) => !isDeepStrictEqual(written.get(route.path), route));
    const unknown = [...written.keys()].filter((path) => !wanted.has(path));
    for (const route of stale) await store.put(route);
    for (const path of unknown) await store.remove(path);
    return stale.length + unknown.length;
  }

  /** Opened anew after any failure: the bucket may be gone, as after a server that lost its disk. */
  async #openStore(): Promise<RouteStore> {
    this.assertWritable();
    this.#store ??= await openRouteStore(this.#connection as Connection);
    return this.#store;
  }
}

const RECORDED = 'The version is recorded; its route will be written when the connection is back.';
