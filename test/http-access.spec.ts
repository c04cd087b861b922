import { afterEach, describe, expect, it } from '@jest/globals';
import { readConfig } from '#contracts';
import { openRouteStore } from '#fabric';
import { startNats } from '#servers';
import { settings } from '../apps/ingress-http/src/config.js';
import { start } from '../apps/ingress-http/src/ingress-http.js';
import { meshConnection } from './fixtures/fabric.js';
import { closeAll, later, until } from './fixtures/later.js';
import { type Catalogue, catalogue, executor, ingress, mesh } from './fixtures/mesh.js';

/* Who may call, from which page, and what is said while the rest of the mesh is away. */

afterEach(closeAll);

const HEADERS = 'export default (e) => e.headers';
const echo = ({ publish }: Catalogue) => publish({ path: 'echo', version: '1.0.0' }, HEADERS);
const problemOf = async (response: Response) => {
  expect(response.headers.get('content-type')).toBe('application/problem+json');
  return ((await response.json()) as { code: string }).code;
};

describe('a token', () => {
  it('is asked of every call, compared whole, and never shown to a handler', async () => {
    const { url } = await mesh(echo, { MESH_HTTP_TOKEN: 'right-token' });
    for (const authorization of [
      undefined,
      '',
      'Bearer',
      'Bearer wrong',
      'Bearer right-toke',
      'right-token',
      'bearer right-token ',
    ]) {
      const response = await fetch(
        `${url}/echo`,
        authorization === undefined ? {} : { headers: { authorization } },
      );
      expect([response.status, await problemOf(response)]).toEqual([401, 'unauthorized']);
      expect(response.headers.get('www-authenticate')).toBe('Bearer');
    }
    expect((await fetch(`${url}/nobody`)).status).toBe(401);
    const response = await fetch(`${url}/echo`, { headers: { authorization: 'Bearer right-token' } });
    expect(response.status).toBe(200);
    expect(await response.json()).not.toHaveProperty('authorization');
    // Who watches the service has no token.
    expect((await fetch(`${url}/health`)).status).toBe(200);
  });

  it('that is not asked for is the handler’s own matter', async () => {
    const { url } = await mesh(echo);
    const response = await fetch(`${url}/echo`, { headers: { authorization: 'Basic x' } });
    expect(await response.json()).toMatchObject({ authorization: 'Basic x' });
  });

  it('is needed to listen to a network, unless it is said that others check', async () => {
    for (const host of ['0.0.0.0', '::', '192.0.2.1']) {
      const config = readConfig('ingress-http', settings, { MESH_HTTP_HOST: host, MESH_HTTP_PORT: '0' });
      await expect(start(config)).rejects.toThrow('Remedy: set MESH_HTTP_TOKEN');
    }
  });
});

describe('CORS', () => {
  const origin = 'https://app.example.org';
  const allowed = (response: Response) => response.headers.get('access-control-allow-origin');

  it('lets the pages of configured origins call, and tells others nothing', async () => {
    const { url } = await mesh(echo, { MESH_HTTP_CORS_ORIGINS: `${origin},https://other.example.org` });
    const response = await fetch(`${url}/echo`, { headers: { origin } });
    expect([response.status, allowed(response)]).toEqual([200, origin]);
    expect(response.headers.get('vary')).toMatch(/origin/i);
    expect(response.headers.get('access-control-expose-headers')).toContain('mesh-id');
    expect(allowed(await fetch(`${url}/echo`, { headers: { origin: 'https://evil.example' } }))).toBeNull();
    expect(allowed(await fetch(`${url}/echo`))).toBeNull();
    const preflight = await fetch(`${url}/echo`, {
      method: 'OPTIONS',
      headers: {
        origin,
        'access-control-request-method': 'PUT',
        'access-control-request-headers': 'content-type',
      },
    });
    expect([preflight.status, allowed(preflight)]).toEqual([204, origin]);
    expect(preflight.headers.get('access-control-allow-methods')).toContain('PUT');
    expect(preflight.headers.get('access-control-allow-headers')).toBe('content-type');
    // An OPTIONS that is no preflight is what it always was.
    expect((await fetch(`${url}/echo`, { method: 'OPTIONS' })).headers.get('allow')).toContain('GET');
  });

  it('keeps errors readable and every header of a handler', async () => {
    const prepare = async ({ publish }: Catalogue) =>
      publish(
        { path: 'cookies', version: '1.0.0' },
        'export default () => ({ statusCode: 200, cookies: ["a=1", "b=2"], headers: { "x-list": ["c", "d"] } })',
      );
    const { url } = await mesh(prepare, { MESH_HTTP_CORS_ORIGINS: '*' });
    const response = await fetch(`${url}/cookies`, { headers: { origin } });
    expect(allowed(response)).toBe('*');
    expect(response.headers.getSetCookie()).toEqual(['a=1', 'b=2']);
    expect(response.headers.get('x-list')).toBe('c, d');
    const unknown = await fetch(`${url}/nobody`, { headers: { origin } });
    expect([unknown.status, allowed(unknown), await problemOf(unknown)]).toEqual([404, '*', 'no-route']);
  });
});

describe('while something is away', () => {
  it('a path that is known and served by nobody is 503, with Retry-After, at once', async () => {
    const of = await catalogue();
    await echo(of);
    const { url } = await ingress(of);
    const started = performance.now();
    const response = await fetch(`${url}/echo`);
    expect([response.status, await problemOf(response)]).toEqual([503, 'no-executor']);
    expect(response.headers.get('retry-after')).toBe('1');
    expect(performance.now() - started).toBeLessThan(5_000);
    await executor(of);
    expect((await fetch(`${url}/echo`)).status).toBe(200);
  });

  it('an executor runs the paths that match MESH_HANDLERS and no others', async () => {
    const of = await catalogue();
    for (const path of ['users/find', 'users', 'orders/total', 'orders/lines/all'])
      await of.publish({ path, version: '1.0.0' }, HEADERS);
    await executor(of, { MESH_HANDLERS: 'users/**,orders/total' });
    const { url } = await ingress(of);
    const statuses = ['users/find', 'orders/total', 'orders/lines/all'].map(
      async (path) => (await fetch(`${url}/${path}`)).status,
    );
    expect(await Promise.all(statuses)).toEqual([200, 200, 503]);
  });

  it('without nats-server every call is 503 at once, and works again when it is back', async () => {
    const of = await catalogue();
    await echo(of);
    await executor(of);
    const { url } = await ingress(of);
    const ready = async () => (await fetch(`${url}/health/ready`)).status;
    expect([(await fetch(`${url}/echo`)).status, await ready()]).toEqual([200, 200]);
    const { port } = of.nats;
    const passwords = Object.fromEntries(
      Object.values(of.nats.users).map(({ user, password }) => [user, password]),
    );
    await of.nats.stop();
    await until(ready, (status) => status === 503);
    const started = performance.now();
    for (let i = 0; i < 20; i++) {
      const response = await fetch(`${url}/echo`);
      expect([response.status, await problemOf(response)]).toEqual([503, 'not-connected']);
    }
    expect(performance.now() - started).toBeLessThan(5_000);
    expect((await fetch(`${url}/health`)).status).toBe(200);

    const again = await startNats({ port, passwords });
    later(() => again.stop());
    // The bucket went with the first server's folder: what is known is kept until there is another one.
    await until(
      async () => (await fetch(`${url}/echo`)).status,
      (status) => status === 200,
    );
    await until(ready, (status) => status === 200);
  });

  it('started before nats-server it listens, says 503, and is ready by itself later', async () => {
    const spare = await startNats({ open: true });
    const { port } = spare;
    await spare.stop();
    const config = readConfig('ingress-http', settings, {
      MESH_NATS_URL: `nats://127.0.0.1:${port}`,
      MESH_HTTP_PORT: '0',
    });
    const lines: string[] = [];
    const write = process.stdout.write.bind(process.stdout);
    process.stdout.write = ((text: string) => lines.push(text) > 0) as typeof process.stdout.write;
    const starting = start(config);
    const listening = () => /http:\/\/127\.0\.0\.1:\d+/.exec(lines.join(''))?.[0];
    const url = await until(listening, (found) => found !== undefined).finally(() => {
      process.stdout.write = write;
    });
    const response = await fetch(`${url}/echo`);
    expect([response.status, await problemOf(response)]).toEqual([503, 'not-connected']);
    expect((await fetch(`${url}/health/ready`)).status).toBe(503);
    const nats = await startNats({ open: true, port });
    later(() => nats.stop());
    await openRouteStore(await meshConnection(port));
    const running = await starting;
    later(() => running.stop());
    expect([(await fetch(`${url}/health/ready`)).status, (await fetch(`${url}/echo`)).status]).toEqual([
      200, 404,
    ]);
  });
});
