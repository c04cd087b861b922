import { describe, expect, it } from '@jest/globals';
import { type ControlPath, HTTP_METHODS, type HttpTrigger, manifest, type Route, route } from '#contracts';
import { type Found, Router } from './router.js';

/** A route with one version for each list of HTTP triggers; no list: no trigger at all. */
function routeOf(path: string, http?: HttpTrigger[], weights = [100], more: object[] = []): Route {
  const triggers = [...(http ?? []).map((trigger) => ({ http: trigger })), ...more];
  const versions = weights.map((weight, i) => {
    const { path: _, ...live } = manifest.parse({
      path,
      version: `${i + 1}.0.0`,
      triggers: i === 0 ? triggers : [],
    });
    return { ...live, weight, digest: `sha256:${'0'.repeat(64)}` };
  });
  return route.parse({ path, revision: 1, versions });
}

function routerWith(...routes: Route[]): Router {
  const router = new Router();
  for (const one of routes) router.update(one.path, one);
  return router;
}

/** `users/find {"id":"42"} @1.0.0`, `405 GET,POST`, or `404`. */
function summary(found: Found): string {
  if (found.kind === 'none') return '404';
  if (found.kind === 'other-method') return `405 ${found.allow.join(',')}`;
  const { route: matched, params, version } = found;
  return [matched.path, params && JSON.stringify({ ...params }), version && `@${version}`]
    .filter(Boolean)
    .join(' ');
}

const USERS = [
  routeOf('users/find'),
  routeOf('users/get', [{ method: 'GET', path: '/users/{id}' }]),
  routeOf('users/put', [{ method: ['PUT', 'PATCH'], path: '/users/{user}' }]),
  routeOf('users/me', [{ path: '/users/me' }]),
  routeOf('orders/get', [{ method: 'GET', path: '/users/{id}/orders/{order}' }]),
  routeOf('orders/last', [{ method: 'GET', path: '/users/{id}/orders/last' }]),
  routeOf('files', [{ method: 'POST' }]),
  routeOf('quiet', undefined, [100], [{ mqtt: { filter: 'quiet' } }]),
];

describe('a router', () => {
  const router = routerWith(...USERS);
  it.each<[string, string, string]>([
    ['GET', '/users/find', 'users/find'],
    ['DELETE', '/users/find', 'users/find'],
    ['HEAD', '/users/find', 'users/find'],
    ['OPTIONS', '/users/find', 'users/find'],
    ['GET', '/users/42', 'users/get {"id":"42"}'],
    ['PUT', '/users/42', 'users/put {"user":"42"}'],
    ['PATCH', '/users/42', 'users/put {"user":"42"}'],
    ['HEAD', '/users/42', 'users/get {"id":"42"}'],
    ['POST', '/users/me', 'users/me'],
    ['GET', '/users/42/orders/7', 'orders/get {"id":"42","order":"7"}'],
    ['GET', '/users/42/orders/last', 'orders/last {"id":"42"}'],
    ['POST', '/files', 'files'],
    // Not decoded here, and never twice.
    ['GET', '/users/a%2Fb', 'users/get {"id":"a%2Fb"}'],
    ['GET', '/users/%66ind', 'users/get {"id":"%66ind"}'],
    ['GET', '/users/Find', 'users/get {"id":"Find"}'],
    ['GET', '/users/:id', 'users/get {"id":":id"}'],
    ['GET', '/users/*', 'users/get {"id":"*"}'],
    ['GET', '/users/**', 'users/get {"id":"**"}'],
    ['GET', '/users/.', 'users/get {"id":"."}'],
    ['GET', '/users/__proto__', 'users/get {"id":"__proto__"}'],
    // A version is wanted of literal patterns alone; elsewhere "@" is part of a parameter.
    ['GET', '/users/find@1.2.0', 'users/find @1.2.0'],
    ['GET', '/users/find@canary', 'users/find @canary'],
    ['GET', '/users/find@1.0.0-rc.1+b', 'users/find @1.0.0-rc.1+b'],
    ['GET', '/users/jo@example.org', 'users/get {"id":"jo@example.org"}'],
    ['GET', '/users/find@Not', 'users/get {"id":"find@Not"}'],
    ['GET', '/users/42@1.0.0', 'users/get {"id":"42@1.0.0"}'],
  ])('%s %s is %s', (method, path, expected) => {
    expect(summary(router.find(method, path))).toBe(expected);
  });

  it.each<[string, string, string]>([
    ['POST', '/users/42', '405 GET,PUT,PATCH'],
    ['GET', '/files', '405 POST'],
    ['HEAD', '/files', '405 POST'],
    ['POST', '/users/42/orders/last', '405 GET'],
    ['TRACE', '/users/find', `405 ${HTTP_METHODS.join(',')}`],
    ['get', '/users/42', '405 GET,PUT,PATCH'],
    ['GET', '/files@1.0.0', '405 POST'],
  ])('%s %s is %s', (method, path, expected) => {
    expect(summary(router.find(method, path))).toBe(expected);
  });

  it.each([
    '/',
    '',
    '//',
    '/users',
    '/users/',
    '/users/find/',
    '/users//find',
    '//users/find',
    '/users/find//',
    '/Users/find',
    '/USERS/42',
    '/%75sers/find',
    '/users%2ffind',
    '/users/42/',
    '/users/42/orders',
    '/users/42/orders/',
    '/users//orders/7',
    '/users/42/orders/7/8',
    '/quiet',
    '/quiet@1.0.0',
    '/orders/get',
    'users/find',
    '*',
    '/*',
    '/**',
    '/users/42/*/7',
    '/:a',
    '/nobody@1.0.0',
    '@1.0.0',
    '/@1.0.0',
    'http://x/users/find',
  ])('%j is nobody’s', (path) => expect(summary(router.find('GET', path))).toBe('404'));
});

describe('a change of routes', () => {
  it('takes effect at once, and nothing of before is left', () => {
    const router = routerWith(routeOf('a', [{ method: 'GET', path: '/x/{id}' }]), routeOf('b'));
    router.update('a' as ControlPath, routeOf('a', [{ method: 'POST', path: '/y/{key}' }]));
    expect(summary(router.find('GET', '/x/1'))).toBe('404');
    expect(summary(router.find('POST', '/y/1'))).toBe('a {"key":"1"}');
    router.update('a' as ControlPath, undefined);
    expect(summary(router.find('POST', '/y/1'))).toBe('404');
    expect(summary(router.find('GET', '/b'))).toBe('b');
    router.update('never' as ControlPath, undefined);
  });

  it('gives the new route, not only its triggers', () => {
    const router = routerWith(routeOf('a'));
    const next = { ...routeOf('a'), revision: 2 };
    router.update(next.path, next);
    expect(router.find('GET', '/a')).toMatchObject({ kind: 'match', route: { revision: 2 } });
  });

  it('of one handler leaves the other that shares the pattern', () => {
    const router = routerWith(...USERS);
    router.update('users/get' as ControlPath, undefined);
    expect(summary(router.find('GET', '/users/42'))).toBe('405 PUT,PATCH');
    expect(summary(router.find('PUT', '/users/42'))).toBe('users/put {"user":"42"}');
  });

  it('10,000 times over leaves nothing behind', () => {
    const router = new Router();
    for (let i = 0; i < 10_000; i++)
      router.update(`a${i % 7}` as ControlPath, i % 2 ? undefined : routeOf(`a${i % 7}`));
    for (let i = 0; i < 7; i++) router.update(`a${i}` as ControlPath, undefined);
    for (let i = 0; i < 7; i++) expect(summary(router.find('GET', `/a${i}`))).toBe('404');
  });
});

describe('two handlers that claim the same', () => {
  it('are told apart by the one that came first', () => {
    const [one, two] = [routeOf('one', [{ path: '/same' }]), routeOf('two', [{ path: '/same' }])];
    expect(summary(routerWith(one, two).find('GET', '/same'))).toBe('one');
    const router = routerWith(one, two);
    router.update(one.path, undefined);
    expect(summary(router.find('GET', '/same'))).toBe('two');
  });

  it('with other names for a parameter each get their own', () => {
    const router = routerWith(
      routeOf('one', [{ method: 'GET', path: '/things/{a}' }]),
      routeOf('two', [{ method: 'POST', path: '/things/{b}' }]),
    );
    expect(summary(router.find('GET', '/things/1'))).toBe('one {"a":"1"}');
    expect(summary(router.find('POST', '/things/1'))).toBe('two {"b":"1"}');
  });
});

describe('a pattern', () => {
  it('that names a parameter twice harms nobody', () => {
    const router = routerWith(routeOf('a', [{ path: '/x/{id}/{id}' }]), routeOf('b'));
    expect(summary(router.find('GET', '/x/1/2'))).toBe('a {"id":"2"}');
    expect(summary(router.find('GET', '/b'))).toBe('b');
  });

  it('may be claimed by one handler in several ways', () => {
    const router = routerWith(
      routeOf('a', [
        { method: 'GET', path: '/x/{id}' },
        { method: 'PUT', path: '/x/{name}' },
        { method: 'POST', path: '/y' },
      ]),
    );
    expect(summary(router.find('GET', '/x/1'))).toBe('a {"id":"1"}');
    expect(summary(router.find('PUT', '/x/1'))).toBe('a {"name":"1"}');
    expect(summary(router.find('DELETE', '/x/1'))).toBe('405 GET,PUT');
    expect(summary(router.find('POST', '/y'))).toBe('a');
    expect(summary(router.find('GET', '/a'))).toBe('404');
  });
});

describe('several versions', () => {
  it('are reached by the triggers of the heaviest', () => {
    const light = routeOf('a', [{ path: '/old' }], [10, 90]);
    const heavy = routeOf('a', [{ path: '/old' }], [90, 10]);
    expect(summary(routerWith(light).find('GET', '/a'))).toBe('a');
    expect(summary(routerWith(light).find('GET', '/old'))).toBe('404');
    expect(summary(routerWith(heavy).find('GET', '/old'))).toBe('a');
  });
});
