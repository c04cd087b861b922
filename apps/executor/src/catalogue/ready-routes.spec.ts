import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { type ControlPath, type LiveVersion, manifest, type Route } from '#contracts';
import type { RouteListener, RouteTable } from '#fabric';
import { ReadyRoutes } from './ready-routes.js';

const A = 'a' as ControlPath;

/** Routes that change when the test says so. */
class Feed implements RouteTable {
  readonly table = new Map<ControlPath, Route>();
  readonly #listeners = new Set<RouteListener>();
  get size(): number {
    return this.table.size;
  }
  get = (path: ControlPath) => this.table.get(path);
  all = () => this.table.values();
  onChange(listener: RouteListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
  put(route: Route | undefined, path = route?.path ?? A): void {
    if (route) this.table.set(path, route);
    else this.table.delete(path);
    for (const listener of this.#listeners) listener(path, route);
  }
}

function version(number: string, weight = 100, digest = number): LiveVersion {
  const { path: _, ...rest } = manifest.parse({ path: 'a', version: number });
  return { ...rest, weight, digest };
}
const routeWith = (revision: number, ...versions: LiveVersion[]): Route => ({
  path: A,
  revision,
  versions,
  aliases: {},
});

let stop: () => void = () => {};
afterEach(() => {
  stop();
  jest.useRealTimers();
});

/** @param loading what loads what, in turn; none: nothing is to be loaded */
function world(first: Route, ...loading: (Promise<unknown> | undefined)[]) {
  const feed = new Feed();
  feed.put(first);
  const routes = new ReadyRoutes(feed, { prepare: () => loading.shift() }, 3_000);
  stop = () => routes.stop();
  const told: (number | undefined)[] = [];
  routes.onChange((_, route) => told.push(route?.revision));
  const shares = () => routes.get(A)?.versions.map(({ version: name, weight }) => `${name}=${weight}`);
  return { feed, routes, told, shares };
}
const settled = () => new Promise((resolve) => setImmediate(resolve));

describe('a route whose versions are being loaded', () => {
  it('leaves the calls where they were until they are ready; by name the new one can be asked for', async () => {
    const loaded = Promise.withResolvers<void>();
    const { feed, routes, told, shares } = world(routeWith(1, version('1.0.0')), loaded.promise);
    feed.put(routeWith(2, version('2.0.0', 90), version('1.0.0', 10)));
    expect([shares(), routes.get(A)?.revision]).toEqual([['1.0.0=100', '2.0.0=0'], 1]);
    loaded.resolve();
    await settled();
    expect([shares(), routes.get(A)?.revision, told]).toEqual([['2.0.0=90', '1.0.0=10'], 2, [1, 2]]);
  });

  it('is taken when they fail to load, and when time is up', async () => {
    jest.useFakeTimers();
    const never = new Promise(() => {});
    const { feed, shares } = world(routeWith(1, version('1.0.0')), Promise.reject(new Error('no')), never);
    feed.put(routeWith(2, version('2.0.0')));
    await Promise.resolve();
    await Promise.resolve();
    expect(shares()).toEqual(['2.0.0=100']);
    feed.put(routeWith(3, version('3.0.0')));
    jest.advanceTimersByTime(2_999);
    expect(shares()).toEqual(['2.0.0=100', '3.0.0=0']);
    jest.advanceTimersByTime(1);
    expect(shares()).toEqual(['3.0.0=100']);
  });

  it('gives way to a newer one, and what was live at the beginning stays until that is ready', async () => {
    const [one, two] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    const { feed, shares, told } = world(routeWith(1, version('1.0.0')), one.promise, two.promise);
    feed.put(routeWith(2, version('2.0.0')));
    feed.put(routeWith(3, version('3.0.0')));
    one.resolve();
    await settled();
    expect(shares()).toEqual(['1.0.0=100', '3.0.0=0']);
    two.resolve();
    await settled();
    expect([shares(), told.at(-1)]).toEqual([['3.0.0=100'], 3]);
  });

  it('is gone at once when the path is', async () => {
    const loaded = Promise.withResolvers<void>();
    const { feed, routes } = world(routeWith(1, version('1.0.0')), loaded.promise);
    feed.put(routeWith(2, version('2.0.0')));
    feed.put(undefined);
    loaded.resolve();
    await settled();
    expect(routes.get(A)).toBeUndefined();
  });

  it('names what is loaded where a number stands for other bytes now', () => {
    const { feed, routes } = world(routeWith(1, version('1.0.0', 100, 'old')), new Promise(() => {}));
    feed.put(routeWith(2, version('1.0.0', 100, 'new')));
    expect(routes.get(A)?.versions.map(({ digest, weight }) => [digest, weight])).toEqual([
      ['old', 100],
      ['new', 0],
    ]);
  });
});

it('a route with nothing to load is there at once', () => {
  const { feed, told, shares } = world(routeWith(1, version('1.0.0')));
  feed.put(routeWith(2, version('1.0.0', 50), version('1.1.0', 50)));
  expect([shares(), told]).toEqual([['1.0.0=50', '1.1.0=50'], [2]]);
});
