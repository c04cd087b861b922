import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, describe, expect, it } from '@jest/globals';
import { Kvm } from '@nats-io/kv';
import { ROUTES_BUCKET, type Route } from '#contracts';
import { type Connection, openRouteStore, type RouteFeed, watchRoutes } from '#fabric';
import { asPath, meshConnection, natsServer, plainClient, routeOf } from './fixtures/fabric.js';
import { closeAll, later, until } from './fixtures/later.js';
import { between, randomFrom } from './fixtures/random.js';
import { tcpProxy } from './fixtures/tcp-proxy.js';

afterEach(closeAll);

function follow(connection: Connection, reconcileMs?: number): RouteFeed {
  const feed = watchRoutes(connection, reconcileMs);
  later(() => feed.stop());
  return feed;
}

/** `users/find` → revision, sorted. */
const revisionsOf = (routes: Iterable<Route>): string =>
  JSON.stringify([...routes].map(({ path, revision }) => [path, revision]).sort());

const following = (feed: RouteFeed, expected: Iterable<Route>, ms?: number): Promise<unknown> => {
  const wanted = revisionsOf(expected);
  return until(
    () => revisionsOf(feed.all()),
    (seen) => seen === wanted,
    ms,
  );
};

describe('the store of routes', () => {
  it('keeps, lists and removes, and passes over what is no route', async () => {
    const server = await natsServer();
    const store = await openRouteStore(await meshConnection(server.port));
    await store.put(routeOf('users/find'));
    await store.put(routeOf('users/greet', 3));
    await (await new Kvm(await plainClient(server)).open(ROUTES_BUCKET)).put('bad', '{"path":1}');
    expect(await store.list()).toEqual(
      new Map([
        [asPath('users/find'), routeOf('users/find')],
        [asPath('users/greet'), routeOf('users/greet', 3)],
      ]),
    );
    await store.remove(asPath('users/find'));
    expect([...(await store.list()).keys()]).toEqual(['users/greet']);
  });

  it('is the same for two that open it at once', async () => {
    const server = await natsServer();
    const [one, two] = await Promise.all(
      [0, 1].map(async () => openRouteStore(await meshConnection(server.port))),
    );
    await one?.put(routeOf('users/find'));
    expect(await two?.list()).toEqual(await one?.list());
  });
});

describe('the feed of routes', () => {
  it('waits for a bucket that is not there yet, and is whole with an empty one', async () => {
    const server = await natsServer();
    const feed = follow(await meshConnection(server.port));
    expect(feed.isWhole).toBe(false);
    await openRouteStore(await meshConnection(server.port));
    await feed.whole;
    expect([feed.size, feed.isWhole]).toEqual([0, true]);
  });

  it.each([1, 2, 500])('is whole with %d routes at once, never with a part of them', async (count) => {
    const server = await natsServer();
    const store = await openRouteStore(await meshConnection(server.port));
    await Promise.all(Array.from({ length: count }, (_, i) => store.put(routeOf(`users/u${i}`))));
    await store.remove(asPath('users/u0'));
    const feed = follow(await meshConnection(server.port));
    const sizes = new Set<number>();
    feed.onChange(() => sizes.add(feed.size));
    await feed.whole;
    expect(feed.size).toBe(count - 1);
    expect([...sizes]).toEqual(count > 1 ? [count - 1] : []);
  });

  it('tells of each difference once: new, changed, gone', async () => {
    const server = await natsServer();
    const store = await openRouteStore(await meshConnection(server.port));
    await store.put(routeOf('users/find'));
    const feed = follow(await meshConnection(server.port));
    await feed.whole;
    const told: [string, number | undefined][] = [];
    const stop = feed.onChange((path, route) => told.push([path, route?.revision]));
    // One after the other: the bucket keeps one revision, so what is overwritten in time is never heard of.
    await store.put(routeOf('users/greet', 1));
    await following(feed, [routeOf('users/find'), routeOf('users/greet', 1)]);
    await store.put(routeOf('users/greet', 2));
    await following(feed, [routeOf('users/find'), routeOf('users/greet', 2)]);
    await store.remove(asPath('users/find'));
    await store.remove(asPath('never/was'));
    await following(feed, [routeOf('users/greet', 2)]);
    stop();
    await store.put(routeOf('users/greet', 3));
    await following(feed, [routeOf('users/greet', 3)]);
    expect(told).toEqual([
      ['users/greet', 1],
      ['users/greet', 2],
      ['users/find', undefined],
    ]);
  });

  it('passes over entries that are no routes, and takes a route that became bad for gone', async () => {
    const server = await natsServer();
    const store = await openRouteStore(await meshConnection(server.port));
    const bucket = await new Kvm(await plainClient(server)).open(ROUTES_BUCKET);
    await store.put(routeOf('users/find'));
    await bucket.put('users.bad', 'not JSON');
    const feed = follow(await meshConnection(server.port));
    await feed.whole;
    await following(feed, [routeOf('users/find')]);
    await bucket.put('users.worse', JSON.stringify({ ...routeOf('users/worse'), versions: [] }));
    await bucket.put('users.find', '{}');
    await store.put(routeOf('users/greet'));
    await following(feed, [routeOf('users/greet')]);
  });

  it('does not take a route for that of another path', async () => {
    const server = await natsServer();
    const store = await openRouteStore(await meshConnection(server.port));
    const bucket = await new Kvm(await plainClient(server)).open(ROUTES_BUCKET);
    await bucket.put('users.find', JSON.stringify(routeOf('users/greet')));
    await store.put(routeOf('users/other'));
    const feed = follow(await meshConnection(server.port));
    await feed.whole;
    await bucket.put('users.later', JSON.stringify(routeOf('users/greet')));
    await store.put(routeOf('users/last'));
    await following(feed, [routeOf('users/other'), routeOf('users/last')]);
  });

  it('stops for good: a later change is not heard', async () => {
    const server = await natsServer();
    const proxy = await tcpProxy(server.port);
    const store = await openRouteStore(await meshConnection(server.port));
    const connection = await meshConnection(proxy.port);
    const feed = watchRoutes(connection);
    await feed.whole;
    await feed.stop();
    await store.put(routeOf('users/find'));
    proxy.cut();
    await until(
      () => connection.connected,
      (connected) => !connected,
    );
    await until(() => connection.connected, Boolean);
    const other = follow(connection);
    await following(other, [routeOf('users/find')]);
    expect(feed.size).toBe(0);
  });
});

describe('a feed whose bucket is deleted and made anew', () => {
  const REMADE: [string, Route[]][] = [
    ['with as many entries', [routeOf('users/greet'), routeOf('users/find', 1, '2.0.0')]],
    ['with fewer', [routeOf('users/greet')]],
    ['with more', [1, 2, 3, 4].map((i) => routeOf(`users/u${i}`))],
    ['empty', []],
  ];
  it.each(REMADE)('follows the new one: %s', async (_, routes) => {
    const server = await natsServer();
    const registry = await meshConnection(server.port);
    const store = await openRouteStore(registry);
    await store.put(routeOf('users/find'));
    await store.put(routeOf('users/gone'));
    const feed = follow(await meshConnection(server.port), 200);
    await feed.whole;

    await (await new Kvm(await plainClient(server)).open(ROUTES_BUCKET)).destroy();
    const remade = await openRouteStore(registry);
    for (const route of routes) await remade.put(route);
    await following(feed, routes, 20_000);
    for (const route of routes) expect(feed.get(route.path)).toEqual(route);
    // And goes on following it.
    await remade.put(routeOf('users/after'));
    await following(feed, [...routes, routeOf('users/after')], 20_000);
  });

  it('tells that a route is another one, though its revision is the same', async () => {
    const server = await natsServer();
    const proxy = await tcpProxy(server.port);
    const store = await openRouteStore(await meshConnection(server.port));
    await store.put(routeOf('users/find', 1, '1.0.0'));
    const feed = follow(await meshConnection(proxy.port));
    await feed.whole;
    const told: (string | undefined)[] = [];
    feed.onChange((_path, route) => told.push(route?.versions[0]?.version));
    proxy.shut();
    await store.put(routeOf('users/find', 1, '2.0.0'));
    proxy.open();
    await until(
      () => told,
      (all) => all.includes('2.0.0'),
    );
    expect(told).toEqual(['2.0.0']);
  });
});

describe('a feed whose connection is cut at random moments', () => {
  it('ends up right within 2 s of the last of 200 changes', async () => {
    const random = randomFrom(42);
    const server = await natsServer();
    const proxy = await tcpProxy(server.port);
    const store = await openRouteStore(await meshConnection(server.port));
    const feeds = [follow(await meshConnection(proxy.port)), follow(await meshConnection(proxy.port))];
    await Promise.all(feeds.map(({ whole }) => whole));
    const expected = new Map<string, Route>();
    for (let change = 1; change <= 200; change++) {
      const path = `users/u${between(random, 0, 30)}`;
      if (random() < 0.3) {
        expected.delete(path);
        await store.remove(asPath(path));
      } else {
        expected.set(path, routeOf(path, change));
        await store.put(routeOf(path, change));
      }
      // The pace of the changes, not a wait for something to happen.
      if (random() < 0.5) await delay(between(random, 0, 40));
      if (random() < 0.15) proxy.cut();
    }
    proxy.cut();
    await Promise.all(feeds.map((feed) => following(feed, expected.values(), 2_000)));
    for (const route of expected.values()) expect(feeds[0]?.get(route.path)).toEqual(route);
  });
});
