import { type KV, type KvEntry, Kvm } from '@nats-io/kv';
import { type ControlPath, pathOfRouteKey, ROUTES_BUCKET, type Route, route, routeKey } from '#contracts';
import type { RouteStore, StoredRoute } from '../catalogue.js';
import type { Connection } from '../connection.js';
import type { NatsMeshConnection } from './connect.js';

/** Of JetStream: https://github.com/nats-io/nats-server/blob/main/server/errors.json */
const WRONG_LAST_SEQUENCE: readonly unknown[] = [10071, 10164];

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
    for (const [path, { route }] of await this.entries()) if (route) routes.set(path, route);
    return routes;
  }

  /** In one stream: a request for each of 10,000 keys would take ten times as long. */
  async entries(): Promise<Map<ControlPath, StoredRoute>> {
    const entries = new Map<ControlPath, StoredRoute>();
    for await (const entry of await this.#bucket.history())
      if (entry.operation === 'PUT') entries.set(pathOfRouteKey(entry.key), storedRoute(entry.key, entry));
    return entries;
  }

  async entry(path: ControlPath): Promise<StoredRoute> {
    const key = routeKey(path);
    return storedRoute(key, await this.#bucket.get(key));
  }

  put(value: Route, tag?: number): Promise<boolean> {
    const options = tag === undefined ? {} : { previousSeq: tag };
    return written(this.#bucket.put(routeKey(value.path), JSON.stringify(value), options));
  }

  remove(path: ControlPath, tag?: number): Promise<boolean> {
    const options = tag === undefined ? {} : { previousSeq: tag };
    return written(this.#bucket.delete(routeKey(path), options));
  }
}

function storedRoute(key: string, entry: KvEntry | null): StoredRoute {
  if (entry === null) return { route: undefined, tag: 0 };
  const there = entry.operation === 'PUT';
  return { route: there ? parseRoute(key, entry.string()) : undefined, tag: entry.revision };
}

/** The server refuses a write that expects another last sequence: somebody was faster. */
async function written(write: Promise<unknown>): Promise<boolean> {
  try {
    await write;
    return true;
  } catch (error) {
    if (WRONG_LAST_SEQUENCE.includes((error as { code?: unknown }).code)) return false;
    throw error;
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
