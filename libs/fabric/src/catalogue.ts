import type { ControlPath, Route } from '#contracts';

export type RouteListener = (path: ControlPath, route: Route | undefined) => void;

/** A local copy of all routes. Reading it never waits and never asks anyone. */
export interface RouteTable {
  readonly size: number;
  get(path: ControlPath): Route | undefined;
  all(): Iterable<Route>;
  /** Called with `undefined` when a route is gone. Returns how to stop listening. */
  onChange(listener: RouteListener): () => void;
}

/** A route table that follows the KV bucket until it is stopped. */
export interface RouteFeed extends RouteTable {
  /** Resolves when the table is whole for the first time. */
  readonly whole: Promise<void>;
  readonly isWhole: boolean;
  stop(): Promise<void>;
}

/** What stands under a path's key. */
export interface StoredRoute {
  /** `undefined`: nothing, or nothing that is a route. */
  readonly route: Route | undefined;
  /** Another one after each write; 0 for a key that was never written. */
  readonly tag: number;
}

/** Where routes are written: by the registry only. */
export interface RouteStore {
  list(): Promise<Map<ControlPath, Route>>;
  /** Every key that was written and not removed. */
  entries(): Promise<Map<ControlPath, StoredRoute>>;
  entry(path: ControlPath): Promise<StoredRoute>;
  /** @param tag write only if nobody has written since. @returns whether it was written */
  put(route: Route, tag?: number): Promise<boolean>;
  /** @param tag as with `put` */
  remove(path: ControlPath, tag?: number): Promise<boolean>;
}
