import type { ControlPath, Route } from '#contracts';
import type { RouteStore } from '#fabric';
import type { Log } from '#lifecycle';

/**
 * Writes one route, or removes the key where there is none. One that NATS refuses, as when it is larger than a
 * message may be, must not keep the others from being written.
 * @param tag of the key, read before the route was
 * @returns whether KV has it now
 * @throws Error when NATS cannot be reached
 */
export async function writeRoute(
  store: RouteStore,
  path: ControlPath,
  route: Route | undefined,
  tag: number,
  log: Log,
): Promise<boolean> {
  if (!route && tag === 0) return true;
  try {
    return route ? await store.put(route, tag) : await store.remove(path, tag);
  } catch (error) {
    if (!isRefusal(error)) throw error;
    log.error(`The route of ${path} cannot be written.`, error);
    return false;
  }
}

/** The client refuses what is larger than `max_payload`, JetStream what is larger than the bucket takes. */
const isRefusal = (error: unknown): boolean =>
  error instanceof Error && (error.name === 'InvalidArgumentError' || error.name === 'JetStreamApiError');
