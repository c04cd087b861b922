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

/** Where routes are written: by the registry only. */
export interface RouteStore {
  list(): Promise<Map<ControlPath, Route>>;
  put(route: Route): Promise<void>;
  remove(path: ControlPath): Promise<void>;
}
