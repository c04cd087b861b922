import { setTimeout as delay } from 'node:timers/promises';
import { type KV, Kvm, type KvWatchEntry } from '@nats-io/kv';
import { type ControlPath, pathOfRouteKey, ROUTES_BUCKET, type Route } from '#contracts';
import type { RouteFeed, RouteListener } from '../catalogue.js';
import type { Connection } from '../connection.js';
import type { NatsMeshConnection } from './connect.js';
import { parseRoute } from './route-store.js';

const RETRY_MS = 250;
const RECONCILE_MS = 30_000;

type Watch = Awaited<ReturnType<KV['watch']>>;

/**
 * The routing table, kept equal to the KV bucket.
 *
 * A watch was seen to miss changes after a reconnect. So every reconnect reads the whole bucket anew, and a
 * periodic check compares the bucket's last revision with the last one seen. Readers keep the old table until
 * the new one is whole: a route never vanishes while it is being read again.
 *
 * Invariants: one generation reads at a time, an older one stops at its next entry; listeners hear of each
 * difference once.
 */
class KvRouteFeed implements RouteFeed {
  readonly #open: () => Promise<KV>;
  readonly #first = Promise.withResolvers<void>();
  #isWhole = false;
  readonly #listeners = new Set<RouteListener>();
  #table = new Map<ControlPath, Route>();
  #generation = 0;
  #lastRevision = 0;
  #watch: Watch | undefined;
  readonly #reconcile: NodeJS.Timeout;

  constructor(open: () => Promise<KV>) {
    this.#open = open;
    this.#reconcile = setInterval(() => void this.#checkRevision(), RECONCILE_MS);
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
    while (generation === this.#generation) {
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
    this.#generation++;
    clearInterval(this.#reconcile);
    this.#watch?.stop();
  }

  async #readOnce(generation: number): Promise<void> {
    const bucket = await this.#open();
    const { streamInfo } = await bucket.status();
    const watch = await bucket.watch();
    if (generation !== this.#generation) return watch.stop();
    this.#watch = watch;
    const whole = Promise.withResolvers<void>();
    void this.#follow(watch, generation, streamInfo.state.messages === 0, whole);
    await whole.promise;
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
    whole.reject(new Error('the watch ended early'));
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
    for (const [path, found] of next)
      if (previous.get(path)?.revision !== found.revision) this.#tell(path, found);
  }

  #tell(path: ControlPath, found: Route | undefined): void {
    for (const listener of this.#listeners) listener(path, found);
  }

  async #checkRevision(): Promise<void> {
    try {
      const { streamInfo } = await (await this.#open()).status();
      if (streamInfo.state.last_seq !== this.#lastRevision) await this.read();
    } catch {
      // Not connected: the reconnect reads anew.
    }
  }
}

function routeOf(entry: KvWatchEntry): Route | undefined {
  return entry.operation === 'PUT' ? parseRoute(entry.string()) : undefined;
}

/** Follows the routes, waiting for a bucket that is not made yet. */
export function watchRoutes(connection: Connection): RouteFeed {
  const { nc } = connection as NatsMeshConnection;
  // Opened anew each time: the bucket may have been made, or made again, since.
  const feed = new KvRouteFeed(() => new Kvm(nc).open(ROUTES_BUCKET));
  connection.onStatus((connected) => {
    if (connected) void feed.read();
  });
  void feed.read();
  return feed;
}
