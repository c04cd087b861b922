import { setTimeout as delay } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import { type KV, Kvm, type KvWatchEntry } from '@nats-io/kv';
import { type ControlPath, pathOfRouteKey, ROUTES_BUCKET, type Route } from '#contracts';
import type { RouteFeed, RouteListener } from '../catalogue.js';
import type { Connection } from '../connection.js';
import type { NatsMeshConnection } from './connect.js';
import { parseRoute } from './route-store.js';

const RETRY_MS = 250;
const RECONCILE_MS = 5_000;

type Watch = Awaited<ReturnType<KV['watch']>>;

/**
 * The routing table, kept equal to the KV bucket.
 *
 * A watch was seen to miss changes after a reconnect, and says nothing when its bucket is deleted and made anew. So
 * every reconnect reads the whole bucket anew, and so does a periodic check that finds another bucket, or a revision
 * that should have been seen since the check before. Readers keep the old table until the new one is whole: a route
 * never vanishes while it is being read again.
 *
 * Invariants: one generation reads at a time, an older one stops at its next entry; listeners hear of each
 * difference once; after `stop()` nothing is read any more.
 */
class KvRouteFeed implements RouteFeed {
  readonly #open: () => Promise<KV>;
  readonly #first = Promise.withResolvers<void>();
  #isWhole = false;
  readonly #listeners = new Set<RouteListener>();
  #table = new Map<ControlPath, Route>();
  #generation = 0;
  #stopped = false;
  /** When the bucket that is followed was made: its identity. */
  #bucket = '';
  #lastRevision = 0;
  /** The bucket's last revision at the check before. */
  #dueRevision = 0;
  #watch: Watch | undefined;
  readonly #reconcile: NodeJS.Timeout;

  constructor(open: () => Promise<KV>, reconcileMs: number) {
    this.#open = open;
    this.#reconcile = setInterval(() => void this.#check(), reconcileMs);
    this.#reconcile.unref();
  }

  get whole(): Promise<void> {
    return this.#first.promise;
  }
  get isWhole(): boolean {
    return this.#isWhole;
  }
  get size(): number {
    return this.#table.size;
  }
  get(path: ControlPath): Route | undefined {
    return this.#table.get(path);
  }
  all(): Iterable<Route> {
    return this.#table.values();
  }
  onChange(listener: RouteListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Reads the whole bucket, then follows it. Resolves when the table is whole; retries until it is, or is outdated. */
  async read(): Promise<void> {
    const generation = ++this.#generation;
    while (generation === this.#generation && !this.#stopped) {
      this.#watch?.stop();
      try {
        await this.#readOnce(generation);
        return;
      } catch {
        // No bucket yet, or no connection: both pass.
        await delay(RETRY_MS);
      }
    }
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#generation++;
    clearInterval(this.#reconcile);
    this.#watch?.stop();
  }

  async #readOnce(generation: number): Promise<void> {
    const bucket = await this.#open();
    const { created, state } = (await bucket.status()).streamInfo;
    const watch = await bucket.watch();

    if (generation !== this.#generation) return watch.stop();
    this.#watch = watch;
    this.#bucket = created;
    this.#lastRevision = state.messages === 0 ? state.last_seq : 0;
    this.#dueRevision = 0;
    const whole = Promise.withResolvers<void>();
    void this.#follow(watch, generation, state.messages === 0, whole)
      .catch(() => undefined)
      .then(() => this.#ended(generation, whole));
    await whole.promise;
  }

  /** A watch that ends by itself is begun anew: by the read that waits for it, else here. */
  #ended(generation: number, whole: PromiseWithResolvers<void>): void {
    whole.reject(new Error('the watch ended early'));
    if (generation === this.#generation && this.#isWhole) void this.read();
  }

  async #follow(
    watch: Watch,
    generation: number,
    empty: boolean,
    whole: PromiseWithResolvers<void>,
  ): Promise<void> {
    let staged: Map<ControlPath, Route> | undefined = new Map();
    if (empty) {
      this.#replace(staged);
      staged = undefined;
      whole.resolve();
    }
    for await (const entry of watch) {
      if (generation !== this.#generation) break;
      this.#lastRevision = entry.revision;
      if (staged) this.#stage(staged, entry);
      else this.#apply(entry);
      // The client marks the last of the initial entries, too, as an update.
      if (staged && entry.isUpdate) {
        this.#replace(staged);
        staged = undefined;
        whole.resolve();
      }
    }
  }

  #stage(staged: Map<ControlPath, Route>, entry: KvWatchEntry): void {
    const found = routeOf(entry);
    if (found) staged.set(found.path, found);
  }

  #apply(entry: KvWatchEntry): void {
    const path = pathOfRouteKey(entry.key);
    const found = routeOf(entry);
    if (found) this.#table.set(path, found);
    else if (!this.#table.delete(path)) return;
    this.#tell(path, found);
  }

  #replace(next: Map<ControlPath, Route>): void {
    this.#isWhole = true;
    this.#first.resolve();
    const previous = this.#table;
    this.#table = next;
    for (const path of previous.keys()) if (!next.has(path)) this.#tell(path, undefined);
    // Not by revision alone: a registry that was set up anew counts from 1 again.
    for (const [path, found] of next)
      if (!isDeepStrictEqual(previous.get(path), found)) this.#tell(path, found);
  }

  #tell(path: ControlPath, found: Route | undefined): void {
    for (const listener of this.#listeners) listener(path, found);
  }

  async #check(): Promise<void> {
    try {
      const { created, state } = (await (await this.#open()).status()).streamInfo;
      // One check later, so that what is just on its way counts as seen.
      const missed = this.#lastRevision < this.#dueRevision;
      this.#dueRevision = state.last_seq;
      if (missed || created !== this.#bucket) await this.read();
    } catch {
      // Not connected: the reconnect reads anew. No bucket: what is known stays until there is one.
    }
  }
}

function routeOf(entry: KvWatchEntry): Route | undefined {
  return entry.operation === 'PUT' ? parseRoute(entry.key, entry.string()) : undefined;
}

/**
 * Follows the routes, waiting for a bucket that is not made yet.
 * @param reconcileMs how often to check that nothing was missed
 */
export function watchRoutes(connection: Connection, reconcileMs = RECONCILE_MS): RouteFeed {
  const { nc } = connection as NatsMeshConnection;
  // Opened anew each time: the bucket may have been made, or made again, since.
  const feed = new KvRouteFeed(() => new Kvm(nc).open(ROUTES_BUCKET), reconcileMs);
  connection.onStatus((connected) => {
    if (connected) void feed.read();
  });
  void feed.read();
  return feed;
}
