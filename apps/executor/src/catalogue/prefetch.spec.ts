import { afterEach, describe, expect, it } from '@jest/globals';
import { type ControlPath, MeshError, type Route } from '#contracts';
import type { RouteListener, RouteTable } from '#fabric';
import type { ArtifactCache } from './artifact-cache.js';
import { LiveArtifacts } from './live-artifacts.js';
import { Prefetch } from './prefetch.js';

const closers: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});

const routeOf = (path: string, ...digests: string[]) =>
  ({ path, versions: digests.map((digest) => ({ digest })) }) as unknown as Route;

class Routes {
  readonly #routes = new Map<ControlPath, Route>();
  #listener: RouteListener | undefined;
  all = () => this.#routes.values();
  onChange = (listener: RouteListener) => {
    this.#listener = listener;
    return () => {
      this.#listener = undefined;
    };
  };
  set(path: string, ...digests: string[]): void {
    const route = routeOf(path, ...digests);
    this.#routes.set(path as ControlPath, route);
    this.#listener?.(path as ControlPath, route);
  }
}

function world(prefetch: (digest: string) => Promise<boolean>) {
  const routes = new Routes();
  const asked: string[] = [];
  const said: string[] = [];
  const artifacts = {
    prefetch: (digest: string) => {
      asked.push(digest);
      return prefetch(digest);
    },
  } as unknown as ArtifactCache;
  const log = { info: () => undefined, warn: (text: string) => void said.push(text), error: () => undefined };
  const live = new LiveArtifacts();
  const subject = new Prefetch(artifacts, live, (path) => path !== 'not-mine', log, 1);
  closers.push(() => subject.stop());
  return {
    routes,
    asked,
    said,
    live,
    subject,
    follow: () => subject.follow(routes as unknown as RouteTable),
  };
}

async function until(fact: () => boolean): Promise<void> {
  while (!fact()) await new Promise((resolve) => setImmediate(resolve));
}

describe('fetching ahead', () => {
  it('takes what routes name at the start and later, of the paths that are run here', async () => {
    const { routes, asked, follow, live } = world(async () => true);
    routes.set('a', '1', '2');
    routes.set('not-mine', '9');
    follow();
    routes.set('b', '3');
    await until(() => asked.length === 3);
    expect(asked).toEqual(['1', '2', '3']);
    expect(['1', '3', '9'].map((digest) => live.has(digest))).toEqual([true, true, false]);
  });

  it('asks the store for a few at a time, and leaves out what is live no more when its turn comes', async () => {
    const waiting: (() => void)[] = [];
    const { routes, asked, follow } = world(
      () => new Promise((resolve) => waiting.push(() => resolve(true))),
    );
    follow();
    for (const n of [1, 2, 3, 4, 5, 6]) routes.set(`p${n}`, String(n));
    expect(asked).toEqual(['1', '2', '3', '4']);
    routes.set('p5', 'newer');
    for (const done of waiting.splice(0)) done();
    await until(() => asked.length === 6);
    expect(asked.slice(4)).toEqual(['6', 'newer']);
    for (const done of waiting.splice(0)) done();
  });

  it('tries on while the store is away, and says so once', async () => {
    let isAway = true;
    const got: string[] = [];
    const { routes, asked, said, follow } = world(async (digest) => {
      if (isAway) throw new MeshError('artifact-missing');
      got.push(digest);
      return true;
    });
    routes.set('a', '1');
    routes.set('b', '2');
    follow();
    await until(() => asked.length > 6);
    isAway = false;
    await until(() => got.length === 2);
    expect(got.sort()).toEqual(['1', '2']);
    expect(said).toEqual([expect.stringMatching(/^The artifact 1 cannot be fetched; trying on\.$/)]);
  });

  it('does not try on with what is live no more', async () => {
    const { routes, asked, follow } = world(async () => {
      throw new MeshError('artifact-corrupt');
    });
    follow();
    routes.set('a', '1');
    await until(() => asked.length > 2);
    routes.set('a', '2');
    await until(() => asked.includes('2'));
    const before = asked.filter((digest) => digest === '1').length;
    await until(() => asked.filter((digest) => digest === '2').length > 4);
    expect(asked.filter((digest) => digest === '1').length).toBeLessThanOrEqual(before + 1);
  });

  it('stops', async () => {
    const { routes, asked, follow, subject } = world(async () => {
      throw new MeshError('artifact-missing');
    });
    follow();
    routes.set('a', '1');
    await subject.stop();
    const before = asked.length;
    routes.set('b', '2');
    expect(asked.length).toBe(before);
  });
});
