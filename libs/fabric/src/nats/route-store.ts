import { type KV, Kvm } from '@nats-io/kv';
import { type ControlPath, pathOfRouteKey, ROUTES_BUCKET, type Route, route, routeKey } from '#contracts';
import type { RouteStore } from '../catalogue.js';
import type { Connection } from '../connection.js';
import type { NatsMeshConnection } from './connect.js';

/** Opens the bucket of routes, making it if need be: the only place that declares it. */
export async function openRouteStore(connection: Connection): Promise<RouteStore> {
  const { nc } = connection as NatsMeshConnection;
  const bucket = await new Kvm(nc).create(ROUTES_BUCKET, { history: 1 });
  return new KvRouteStore(bucket);
}

class KvRouteStore implements RouteStore {
  readonly #bucket: KV;
  constructor(bucket: KV) {
    this.#bucket = bucket;
  }

  async list(): Promise<Map<ControlPath, Route>> {
    const routes = new Map<ControlPath, Route>();
    for await (const key of await this.#bucket.keys()) {
      const entry = await this.#bucket.get(key);
      const parsed = entry && parseRoute(key, entry.string());
      if (parsed) routes.set(pathOfRouteKey(key), parsed);
    }
    return routes;
  }

  async put(value: Route): Promise<void> {
    await this.#bucket.put(routeKey(value.path), JSON.stringify(value));
  }

  async remove(path: ControlPath): Promise<void> {
    await this.#bucket.delete(routeKey(path));
  }
}

/** A stored route, or `undefined` when it is not one, or not this key's: a bad entry must not stop the others. */
export function parseRoute(key: string, json: string): Route | undefined {
  try {
    const parsed = route.safeParse(JSON.parse(json));
    return parsed.success && routeKey(parsed.data.path) === key ? parsed.data : undefined;
  } catch {
    return undefined;
  }
}
