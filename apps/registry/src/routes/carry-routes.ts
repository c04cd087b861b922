import { isDeepStrictEqual } from 'node:util';
import type { ControlPath, Route } from '#contracts';
import type { RouteStore, StoredRoute } from '#fabric';
import type { Log } from '#lifecycle';
import type { ReadRoutes } from '../catalogue/route-outbox.js';
import type { HandlerRecord } from '../catalogue/values.js';
import { routeOf } from './route-of.js';

/**
 * Makes KV say of these paths what the catalogue says. The keys are read before the catalogue is, and a write names
 * the tag that it replaces: whoever was overtaken in between is refused.
 * @returns the paths that need not be carried again; for the others somebody was faster
 * @throws Error when NATS cannot be reached
 */
export async function carryRoutes(
  store: RouteStore,
  paths: readonly ControlPath[],
  read: ReadRoutes,
  log: Log,
): Promise<ControlPath[]> {
  const entries = await Promise.all(paths.map((path) => store.entry(path)));
  const wanted = routesBy(await read({ paths }));
  const isDone = await Promise.all(
    paths.map((path, i) => carryOne(store, path, entries[i] as StoredRoute, wanted.get(path), log)),
  );
  return paths.filter((_, i) => isDone[i]);
}

/** Paths of which KV does not say what the catalogue says, without a lock: they may be on their way. */
export async function differing(store: RouteStore, read: ReadRoutes): Promise<ControlPath[]> {
  const entries = await store.entries();
  const wanted = routesBy(await read({}));
  const unequal = [...wanted].filter(([path, route]) => !isDeepStrictEqual(entries.get(path)?.route, route));
  const unknown = [...entries.keys()].filter((path) => !wanted.has(path));
  return [...unequal.map(([path]) => path), ...unknown];
}

/** A handler of which nothing is live has no route. */
function routesBy(handlers: readonly HandlerRecord[]): Map<ControlPath, Route> {
  return new Map(
    handlers.flatMap((handler) => {
      const route = routeOf(handler);
      return route ? [[handler.path, route] as const] : [];
    }),
  );
}

async function carryOne(
  store: RouteStore,
  path: ControlPath,
  { route, tag }: StoredRoute,
  wanted: Route | undefined,
  log: Log,
): Promise<boolean> {
  if (wanted ? isDeepStrictEqual(route, wanted) : tag === 0) return true;
  try {
    return wanted ? await store.put(wanted, tag) : await store.remove(path, tag);
  } catch (error) {
    if (!isTooLarge(error)) throw error;
    // Carried again it would be refused again, and hold up the others; reconciling tries it now and then.
    log.error(`The route of ${path} is larger than NATS takes.`, error);
    return true;
  }
}

/** The client refuses what is larger than `max_payload`, JetStream what is larger than the bucket takes. */
function isTooLarge(error: unknown): boolean {
  const { name, code } = error as { name?: unknown; code?: unknown };
  return name === 'InvalidArgumentError' || code === MESSAGE_SIZE_EXCEEDS_MAXIMUM;
}

/** Of JetStream: server/errors.json of nats-server */
const MESSAGE_SIZE_EXCEEDS_MAXIMUM = 10054;
