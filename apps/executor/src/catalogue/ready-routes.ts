import type { ControlPath, LiveVersion, Route } from '#contracts';
import type { RouteListener, RouteTable } from '#fabric';
import { type Instances, keyOf } from './instances.js';

/** Longest that a route waits for its versions to be loaded, ms: whoever changed it is told after five seconds who has it not. */
const WAIT_MS = 3_000;

interface Awaited {
  /** What was live when it began: calls go on to go there. */
  readonly base: Route;
  readonly timer: NodeJS.Timeout;
}

/**
 * The routes, each as soon as this executor can answer by it: while new versions of a path that is in use are being
 * loaded, its calls go to the old ones. Until they are ready, or have failed, or time is up.
 *
 * Invariant: whatever the newer route names can be asked for by name meanwhile, so that nobody who was told of a version
 * learns that it is not there.
 */
export class ReadyRoutes implements RouteTable {
  readonly #routes = new Map<ControlPath, Route>();
  readonly #awaited = new Map<ControlPath, Awaited>();
  readonly #listeners = new Set<RouteListener>();
  readonly #unfollow: () => void;

  constructor(
    feed: RouteTable,
    private readonly instances: Pick<Instances, 'prepare'>,
    private readonly waitMs = WAIT_MS,
  ) {
    for (const route of feed.all()) this.#routes.set(route.path, route);
    this.#unfollow = feed.onChange((path, route) => this.#changed(path, route));
  }

  get size(): number {
    return this.#routes.size;
  }
  get(path: ControlPath): Route | undefined {
    return this.#routes.get(path);
  }
  all(): Iterable<Route> {
    return this.#routes.values();
  }
  onChange(listener: RouteListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  stop(): void {
    this.#unfollow();
    for (const { timer } of this.#awaited.values()) clearTimeout(timer);
    this.#awaited.clear();
  }

  #changed(path: ControlPath, next: Route | undefined): void {
    const base = this.#awaited.get(path)?.base ?? this.#routes.get(path);
    this.#waitNoMore(path);
    const loading = base && next && this.instances.prepare(next);
    if (!loading) return this.#apply(path, next);
    const take = () => {
      if (this.#awaited.get(path) !== awaited) return;
      this.#waitNoMore(path);
      this.#apply(path, next);
    };
    const awaited = { base, timer: setTimeout(take, this.waitMs) };
    this.#awaited.set(path, awaited);
    this.#apply(path, between(base, next));
    loading.then(take, take);
  }

  #waitNoMore(path: ControlPath): void {
    clearTimeout(this.#awaited.get(path)?.timer);
    this.#awaited.delete(path);
  }

  #apply(path: ControlPath, route: Route | undefined): void {
    if (route) this.#routes.set(path, route);
    else this.#routes.delete(path);
    for (const listener of this.#listeners) listener(path, route);
  }
}

/** Shares as they were, and everything that is new for whoever names it. Discovery shows it as the older one. */
export function between(base: Route, next: Route): Route {
  const newer = new Map(next.versions.map((version) => [keyOf(next.path, version), version]));
  const kept = base.versions.map((old): LiveVersion => {
    const key = keyOf(base.path, old);
    const same = newer.get(key);
    newer.delete(key);
    return same ? { ...same, weight: old.weight } : old;
  });
  const added = [...newer.values()].map((version): LiveVersion => ({ ...version, weight: 0 }));
  // Where a number stands for other bytes or values by now, whoever names it gets those that are loaded.
  return { ...next, revision: base.revision, versions: [...kept, ...added] };
}
