import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import pg from 'pg';
import type { ControlPath, ManifestInput, Route } from '#contracts';
import { type Connection, connect, openRouteStore, type RouteStore, serveDiscovery } from '#fabric';
import { type NatsServer, type PostgresServer, startNats, startPostgres } from '#servers';
import { Executors } from '../apps/registry/src/routes/executors.js';
import {
  type Answer,
  artifactOf,
  closeAll,
  digestOf,
  get,
  later,
  publish,
  registry,
  request,
  until,
} from './registry.fixture.js';

/* What is done to a handler after it was published: routes, aliases, rollback, values, tokens, and what is told of it. */

let postgres: PostgresServer;
let nats: NatsServer;
let databases = 0;

beforeAll(async () => {
  [postgres, nats] = await Promise.all([startPostgres(), startNats()]);
});
afterEach(closeAll);
afterAll(async () => {
  await Promise.all([postgres.stop(), nats.stop()]);
});

type Base = { url: string };
const FIND = 'users/find' as ControlPath;
const HANDLER = '/v1/handlers/users%2Ffind';

async function aRegistry(environment = {}): Promise<Base & { database: string }> {
  const database = await postgres.createDatabase(`routes_${++databases}`);
  const running = await registry({ database, nats, environment });
  await running.joined;
  return { url: running.url, database };
}

async function natsAs(user: 'registry' | 'executor'): Promise<Connection> {
  const { user: natsUser, password: natsPassword } = nats.users[user];
  const options = { name: 'test', natsUrl: nats.url, natsUser, natsPassword, natsCredentials: undefined };
  const connection = await connect(options);
  later(() => connection.close());
  return connection;
}

async function written(): Promise<Route | undefined> {
  const store: RouteStore = await openRouteStore(await natsAs('registry'));
  return (await store.entry(FIND)).route;
}

const send = (base: Base, method: string, path: string, body?: unknown, headers = {}): Promise<Answer> =>
  request(base.url + path, {
    method,
    headers: { ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...headers },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
const change = (base: Base, method: string, path: string, body?: unknown, headers = {}) =>
  send(base, method, HANDLER + path, body, headers);

const artifact = (version: string, more: Partial<ManifestInput> = {}) =>
  artifactOf({ ...more, path: FIND, version }, `export default () => '${version}';`);
async function published(base: Base, ...versions: string[]): Promise<void> {
  for (const version of versions)
    expect((await publish(base, FIND, await artifact(version))).status).toBe(201);
}

const live = ({ body }: Answer): [string, number][] =>
  body.live.map((one: { version: string; weight: number }) => [one.version, one.weight]);

async function sql(database: string, text: string, values: unknown[] = []): Promise<pg.QueryResult> {
  const client = new pg.Client({ connectionString: database });
  await client.connect();
  try {
    return await client.query(text, values);
  } finally {
    await client.end();
  }
}

describe('a route', () => {
  it('shares calls between versions, in the catalogue and in KV, and says so with its revision', async () => {
    const base = await aRegistry();
    await published(base, '1.0.0', '1.1.0');
    const versions = [
      { version: '1.1.0', weight: 10 },
      { version: '1.0.0', weight: 90 },
    ];
    const answer = await change(base, 'PUT', '/route', { versions });
    expect(answer).toMatchObject({ status: 200, body: { revision: 3 } });
    expect(answer.headers.get('etag')).toBe('"3"');
    expect(live(answer)).toEqual([
      ['1.0.0', 90],
      ['1.1.0', 10],
    ]);
    expect(await written()).toMatchObject({
      revision: 3,
      versions: [
        { version: '1.0.0', weight: 90 },
        { version: '1.1.0', weight: 10 },
      ],
    });
    const shown = await get(base, HANDLER);
    expect(shown.headers.get('etag')).toBe('"3"');
    expect({ ...shown.body, executors: { confirmed: [], missing: [] } }).toEqual(answer.body);
    // The same again, in another order, is done already.
    const again = await change(base, 'PUT', '/route', { versions: versions.toReversed() });
    expect(again.body.revision).toBe(3);
    expect((await get(base, '/v1/audit')).body.items).toHaveLength(3);
  });

  it('takes versions that there are, with weights that add up', async () => {
    const base = await aRegistry();
    await published(base, '1.0.0');
    const one = { version: '1.0.0', weight: 100 };
    for (const [body, status, code] of [
      [{ versions: [{ ...one, weight: 99 }] }, 400, 'bad-request'],
      [{ versions: [{ ...one, weight: 101 }] }, 400, 'bad-request'],
      [{ versions: [{ ...one, weight: 50.5 }, one] }, 400, 'bad-request'],
      [
        {
          versions: [
            { ...one, weight: 50 },
            { ...one, weight: 50 },
          ],
        },
        400,
        'bad-request',
      ],
      [{ versions: [] }, 400, 'bad-request'],
      [{ versions: [{ ...one, version: 'latest' }] }, 400, 'bad-request'],
      [{ versions: [one], more: 1 }, 400, 'bad-request'],
      [[], 400, 'bad-request'],
      [{ versions: [{ ...one, version: '9.9.9' }] }, 404, 'no-version'],
    ] as const)
      expect([body, await change(base, 'PUT', '/route', body)]).toMatchObject([
        body,
        { status, body: { code } },
      ]);
    const nobody = await send(base, 'PUT', '/v1/handlers/no%2Fbody/route', { versions: [one] });
    expect(nobody).toMatchObject({ status: 404, body: { code: 'not-found' } });
    expect((await get(base, HANDLER)).body.revision).toBe(1);
  });

  it('is refused bodies that are none, and artifacts', async () => {
    const base = await aRegistry();
    await published(base, '1.0.0');
    const put = (body: string, type: string) =>
      request(`${base.url}${HANDLER}/route`, { method: 'PUT', body, headers: { 'content-type': type } });
    expect(await put('{', 'application/json')).toMatchObject({ status: 400, body: { code: 'bad-body' } });
    expect(await put('', 'application/json')).toMatchObject({ status: 400 });
    expect(await put('{}', 'application/gzip')).toMatchObject({ status: 415 });
    expect(await put('a=b', 'application/x-www-form-urlencoded')).toMatchObject({ status: 415 });
    expect(await put(`"${'x'.repeat(300_000)}"`, 'application/json')).toMatchObject({ status: 413 });
    expect(await put('{"__proto__":{"versions":[]}}', 'application/json')).toMatchObject({ status: 400 });
  });

  it('is left as it is by a version that is only recorded', async () => {
    const base = await aRegistry();
    const recorded = async (version: string) =>
      request(`${base.url}${HANDLER}/versions?live=false`, {
        method: 'POST',
        headers: { 'content-type': 'application/gzip' },
        body: await artifact(version),
      });
    expect(await recorded('1.0.0')).toMatchObject({ status: 201, body: { live: false, revision: 1 } });
    expect(await get(base, HANDLER)).toMatchObject({ status: 200, body: { live: [] } });
    expect(await written()).toBeUndefined();
    expect(await change(base, 'PUT', '/aliases/next', { version: '1.0.0' })).toMatchObject({ status: 409 });
    const first = await change(base, 'PUT', '/route', { versions: [{ version: '1.0.0', weight: 100 }] });
    expect(live(first)).toEqual([['1.0.0', 100]]);
    expect(await recorded('2.0.0')).toMatchObject({ status: 201, body: { live: false, revision: 2 } });
    expect((await written())?.versions).toHaveLength(1);
  });
});

describe('an alias', () => {
  it('holds its version ready without calls, and keeps it from being deleted', async () => {
    const base = await aRegistry();
    await published(base, '1.0.0', '2.0.0');
    const set = await change(base, 'PUT', '/aliases/stable', { version: '1.0.0' });
    expect(set).toMatchObject({ status: 200, body: { aliases: { stable: '1.0.0' }, revision: 3 } });
    expect(await written()).toMatchObject({
      aliases: { stable: '1.0.0' },
      versions: [
        { version: '2.0.0', weight: 100 },
        { version: '1.0.0', weight: 0 },
      ],
    });
    expect(await change(base, 'DELETE', '/versions/1.0.0')).toMatchObject({ status: 409 });
    expect(await change(base, 'DELETE', '/versions/2.0.0')).toMatchObject({ status: 409 });
    const gone = await change(base, 'DELETE', '/aliases/stable');
    expect(gone).toMatchObject({ status: 200, body: { aliases: {}, revision: 4 } });
    expect((await written())?.versions).toMatchObject([{ version: '2.0.0' }]);
    expect(await change(base, 'DELETE', '/aliases/stable')).toMatchObject({ status: 404 });
    expect(await change(base, 'PUT', '/aliases/1.0.0', { version: '1.0.0' })).toMatchObject({ status: 400 });
    expect(await change(base, 'PUT', '/aliases/next', { version: '3.0.0' })).toMatchObject({ status: 404 });
  });
});

describe('a rollback', () => {
  it('brings back what was live before, and a second one what was live before that', async () => {
    const base = await aRegistry();
    await published(base, '1.0.0', '1.1.0');
    await change(base, 'PUT', '/aliases/old', { version: '1.0.0' });
    expect(live(await change(base, 'POST', '/rollback', {}))).toEqual([['1.0.0', 100]]);
    expect((await written())?.versions).toMatchObject([{ version: '1.0.0', weight: 100 }]);
    expect(live(await change(base, 'POST', '/rollback'))).toEqual([['1.1.0', 100]]);
    expect(live(await change(base, 'POST', '/rollback', { to: '1.0.0' }))).toEqual([['1.0.0', 100]]);
    expect(await change(base, 'POST', '/rollback', { to: '7.0.0' })).toMatchObject({ status: 404 });
  });

  it('passes over what was deleted since, and says when there is nothing', async () => {
    const base = await aRegistry();
    await published(base, '1.0.0');
    expect(await change(base, 'POST', '/rollback')).toMatchObject({
      status: 409,
      body: { code: 'conflict' },
    });
    await published(base, '1.1.0', '1.2.0');
    expect(await change(base, 'DELETE', '/versions/1.1.0')).toMatchObject({ status: 200 });
    expect(live(await change(base, 'POST', '/rollback'))).toEqual([['1.0.0', 100]]);
  });

  it('is refused when another handler answers its HTTP requests by now', async () => {
    const base = await aRegistry();
    const at = (pattern: string) => ({ triggers: [{ http: { path: pattern } }] });
    await publish(base, FIND, await artifact('1.0.0', at('/people')));
    await publish(base, FIND, await artifact('1.1.0', at('/persons')));
    const other = await artifactOf({ path: 'people/all', version: '1.0.0', ...at('/people') });
    expect((await publish(base, 'people/all', other)).status).toBe(201);
    const refused = await change(base, 'POST', '/rollback');
    expect(refused).toMatchObject({ status: 409, body: { detail: expect.stringContaining('people/all') } });
    expect(live(await get(base, HANDLER))).toEqual([['1.1.0', 100]]);
  });
});

describe('optimistic locking', () => {
  it('lets one of several publishers win, over two registries, and tells the others', async () => {
    const base = await aRegistry();
    const second = await registry({ database: base.database, nats });
    await second.joined;
    await published(base, '1.0.0');
    const rivals = await Promise.all(
      ['1.1.0', '1.2.0', '1.3.0', '1.4.0'].map(async (version, i) =>
        publish(i % 2 ? base : second, FIND, await artifact(version), { 'if-match': '"1"' }),
      ),
    );
    expect(rivals.map(({ status }) => status).sort()).toEqual([201, 412, 412, 412]);
    const winner = rivals.find(({ status }) => status === 201)?.body.version;
    for (const { status, body } of rivals) if (status === 412) expect(body.code).toBe('revision-mismatch');
    expect(live(await get(base, HANDLER))).toEqual([[winner, 100]]);
    const { items } = (await get(base, `${HANDLER}/versions`)).body;
    expect(items).toHaveLength(2);
    // Its answer was lost: the same once more is not too late.
    const again = await publish(base, FIND, await artifact(winner), { 'if-match': '"1"' });
    expect(again).toMatchObject({ status: 200, body: { created: false, live: true } });
  });

  it('holds for every change', async () => {
    const base = await aRegistry();
    await published(base, '1.0.0', '1.1.0');
    const stale = { 'if-match': '"1"' };
    const version = { version: '1.0.0' };
    for (const [method, path, body] of [
      ['PUT', '/route', { versions: [{ ...version, weight: 100 }] }],
      ['PUT', '/aliases/a', version],
      ['DELETE', '/aliases/a', undefined],
      ['POST', '/rollback', {}],
      ['PUT', '/environment', {}],
      ['PUT', '/limits', {}],
      ['POST', '/versions/1.0.0/deprecate', {}],
      ['DELETE', '/versions/1.0.0', undefined],
    ] as const)
      expect([path, await change(base, method, path, body, stale)]).toMatchObject([
        path,
        { status: 412, body: { code: 'revision-mismatch', detail: expect.stringContaining('revision 2') } },
      ]);
    expect((await get(base, HANDLER)).body.revision).toBe(2);
    for (const [ifMatch, status] of [
      ['"2"', 200],
      ['*', 200],
      ['"1", "3"', 200],
      ['W/"3"', 412],
      ['3', 400],
    ] as const) {
      const answer = await change(base, 'PUT', '/aliases/a', version, { 'if-match': ifMatch });
      expect([ifMatch, answer.status]).toEqual([ifMatch, status]);
    }
    const first = await artifactOf({ path: 'users/new', version: '1.0.0' });
    expect((await publish(base, 'users/new', first, { 'if-match': '*' })).status).toBe(412);
    expect((await publish(base, 'users/new', first, { 'if-match': '"0"' })).status).toBe(201);
  });
});

describe("the operator's limits", () => {
  it('reach every version by KV, before those of the manifests, and stay over versions', async () => {
    const base = await aRegistry();
    await publish(base, FIND, await artifact('1.0.0', { limits: { concurrency: 5, timeoutMs: 1_000 } }));
    const set = await change(base, 'PUT', '/limits', { concurrency: 50, ratePerSecond: 0.5 });
    const limits = { concurrency: 50, ratePerSecond: 0.5 };
    expect(set).toMatchObject({ status: 200, body: { limits, revision: 2 } });
    const carried = { ...limits, timeoutMs: 1_000 };
    expect(await written()).toMatchObject({ limits, versions: [{ limits: carried }] });
    await publish(base, FIND, await artifact('1.1.0'));
    expect(await written()).toMatchObject({ limits, versions: [{ version: '1.1.0', limits }] });
    expect((await change(base, 'PUT', '/limits', limits)).body.revision).toBe(3);

    const unset = await change(base, 'PUT', '/limits', { ratePerSecond: null });
    expect(unset.body.limits).toEqual({ concurrency: 50 });
    await change(base, 'PUT', '/limits', { concurrency: null });
    expect((await written())?.limits).toBeUndefined();
    expect((await written())?.versions[0]?.limits).toEqual({});
  });

  it('are audited, and refused where they are none', async () => {
    const base = await aRegistry();
    await published(base, '1.0.0');
    await change(base, 'PUT', '/limits', { queue: 0 });
    const [entry] = (await get(base, '/v1/audit')).body.items.filter(
      ({ action }: { action: string }) => action === 'limits',
    );
    expect(entry).toMatchObject({ before: { limits: {} }, after: { limits: { queue: 0 } } });
    for (const body of [{ concurrency: 0 }, { colour: 1 }, { memoryMb: 5 }, { queue: '1' }])
      expect((await change(base, 'PUT', '/limits', body)).status).toBe(400);
    expect((await send(base, 'PUT', '/v1/handlers/no%2Fbody/limits', { queue: 0 })).status).toBe(404);
  });
});

describe('versions', () => {
  it('are listed by precedence, in pages, each with what is known of it', async () => {
    const base = await aRegistry();
    await published(base, '1.2.0', '1.10.0', '2.0.0-rc.1', '1.9.0', '2.0.0-rc.1+b', '2.0.0', '2.0.0-rc.10');
    await change(base, 'POST', '/versions/1.9.0/deprecate', { message: 'use 1.10.0' });
    const seen: { version: string; deprecated?: string; live: boolean; weight?: number }[] = [];
    let next: string | null = '';
    while (next !== null) {
      const page: Answer = await get(base, `${HANDLER}/versions?limit=2${next && `&cursor=${next}`}`);
      seen.push(...page.body.items);
      next = page.body.next;
    }
    expect(seen.map(({ version }) => version)).toEqual([
      '2.0.0',
      '2.0.0-rc.10',
      '2.0.0-rc.1+b',
      '2.0.0-rc.1',
      '1.10.0',
      '1.9.0',
      '1.2.0',
    ]);
    expect(seen.find(({ version }) => version === '1.9.0')).toMatchObject({ deprecated: 'use 1.10.0' });
    expect(seen.filter((one) => one.live)).toMatchObject([{ version: '2.0.0-rc.10', weight: 100 }]);
    expect((await get(base, `${HANDLER}/versions?cursor=YQ`)).body.code).toBe('bad-request');
  });

  it('can be read one by one, with their bytes, until they are deleted; the number stays taken', async () => {
    const base = await aRegistry();
    const bytes = await artifact('1.0.0');
    await publish(base, FIND, bytes);
    await published(base, '1.1.0');
    expect(await get(base, `${HANDLER}/versions/1.0.0`)).toMatchObject({
      status: 200,
      body: { version: '1.0.0', live: false, digest: `sha256:${digestOf(bytes)}` },
    });
    const answer = await fetch(`${base.url}${HANDLER}/versions/1.0.0/artifact`, {
      headers: { authorization: 'Bearer the-token-of-these-scenarios' },
    });
    expect(Buffer.from(await answer.arrayBuffer())).toEqual(bytes);
    expect(answer.headers.get('content-type')).toBe('application/vnd.lambda-mesh.artifact+gzip');

    expect(await change(base, 'DELETE', '/versions/1.0.0')).toMatchObject({ status: 200 });
    for (const path of ['/versions/1.0.0', '/versions/1.0.0/artifact', '/versions/9.0.0', '/versions/none'])
      expect(await get(base, HANDLER + path)).toMatchObject({ status: 404, body: { code: 'no-version' } });
    expect(await change(base, 'DELETE', '/versions/1.0.0')).toMatchObject({ status: 404 });
    expect(await change(base, 'POST', '/rollback', { to: '1.0.0' })).toMatchObject({ status: 404 });
    const again = await publish(base, FIND, bytes);
    expect(again).toMatchObject({ status: 409, body: { detail: expect.stringContaining('deleted') } });
    expect((await get(base, `${HANDLER}/versions`)).body.items).toMatchObject([{ version: '1.1.0' }]);
  });

  it('are deprecated with a reason, and no more', async () => {
    const base = await aRegistry();
    await published(base, '1.0.0');
    const deprecated = async () => (await get(base, `${HANDLER}/versions/1.0.0`)).body.deprecated;
    expect(await change(base, 'POST', '/versions/1.0.0/deprecate')).toMatchObject({ status: 200 });
    expect(await deprecated()).toBe('deprecated');
    await change(base, 'POST', '/versions/1.0.0/deprecate', { message: 'slow' });
    expect(await deprecated()).toBe('slow');
    await change(base, 'POST', '/versions/1.0.0/deprecate', { message: '' });
    expect(await deprecated()).toBeUndefined();
    const bad = await change(base, 'POST', '/versions/1.0.0/deprecate', { message: 'a\0b' });
    expect(bad).toMatchObject({ status: 400 });
    expect(await change(base, 'POST', '/versions/2.0.0/deprecate')).toMatchObject({ status: 404 });
  });
});

describe("the operator's values", () => {
  const offer = { MESH_HANDLER_ENV: 'DATABASE_URL,REGION' };
  const SECRET = 'postgresql://mesh:very-secret@db/users';

  it('reach the versions that ask for them, by KV, and are shown to nobody', async () => {
    const base = await aRegistry(offer);
    await publish(base, FIND, await artifact('1.0.0', { env: ['DATABASE_URL'] }));
    const set = await change(base, 'PUT', '/environment', { DATABASE_URL: SECRET });
    expect(set).toMatchObject({ status: 200, body: { environment: ['DATABASE_URL'], revision: 2 } });
    expect((await written())?.versions).toMatchObject([{ environment: { DATABASE_URL: SECRET } }]);
    // They stay over versions, and only who asks gets them.
    await publish(base, FIND, await artifact('1.1.0', { env: ['REGION'] }));
    expect((await written())?.versions[0]?.environment).toBeUndefined();
    await change(base, 'POST', '/rollback');
    expect((await written())?.versions).toMatchObject([{ environment: { DATABASE_URL: SECRET } }]);
    for (const path of ['/v1/handlers', HANDLER, `${HANDLER}/versions`, '/v1/audit', '/openapi.json'])
      expect((await request(base.url + path)).body).not.toEqual(expect.stringContaining('very-secret'));
    expect(JSON.stringify((await get(base, '/v1/audit')).body)).not.toContain('very-secret');
    expect(JSON.stringify((await get(base, HANDLER)).body)).not.toContain('very-secret');

    const entry = (await get(base, '/v1/audit')).body.items.find(
      ({ action }: { action: string }) => action === 'environment',
    );
    expect(entry).toMatchObject({
      before: { environment: {} },
      after: { environment: { DATABASE_URL: expect.stringMatching(/^hmac-sha256:[0-9a-f]{64}$/) } },
      detail: { names: ['DATABASE_URL'] },
    });
    const gone = await change(base, 'PUT', '/environment', { DATABASE_URL: null });
    expect(gone).toMatchObject({ status: 200, body: { environment: [] } });
    expect((await written())?.versions[0]?.environment).toBeUndefined();
  });

  it('are of names that a version asks for', async () => {
    const base = await aRegistry(offer);
    await publish(base, FIND, await artifact('1.0.0', { env: ['DATABASE_URL'] }));
    for (const body of [
      { REGION: 'eu' },
      { MESH_TOKEN: 'x' },
      { 'not a name': 'x' },
      { DATABASE_URL: 5 },
      { DATABASE_URL: 'a\0b' },
      { DATABASE_URL: '\ud800' },
      { DATABASE_URL: 'x'.repeat(40_000) },
      'text',
    ])
      expect([body, await change(base, 'PUT', '/environment', body)]).toMatchObject([body, { status: 400 }]);
    expect((await get(base, HANDLER)).body.revision).toBe(1);
  });
});

describe('tokens', () => {
  const make = (base: Base, body: unknown, headers = {}) => send(base, 'POST', '/v1/tokens', body, headers);
  const bearer = (answer: Answer) => ({ authorization: `Bearer ${answer.body.token}` });

  it('open what their role allows, until they are revoked or run out', async () => {
    const base = await aRegistry();
    const reader = await make(base, { name: 'console', role: 'reader' });
    const publisher = await make(base, { name: 'ci', role: 'publisher', expiresInDays: 30 });
    const admin = await make(base, { name: 'alice', role: 'admin' });
    expect(reader).toMatchObject({ status: 201, body: { name: 'console', role: 'reader' } });
    const version = (n: number) => artifact(`1.0.${n}`);
    const statuses = async (token: Answer) => [
      (await request(`${base.url}/v1/handlers`, { headers: bearer(token) })).status,
      (await publish(base, FIND, await version(++versions), bearer(token))).status,
      (await change(base, 'PUT', '/environment', {}, bearer(token))).status,
      (await make(base, { name: `t${versions}`, role: 'admin' }, bearer(token))).status,
    ];
    let versions = 0;
    expect(await statuses(admin)).toEqual([200, 201, 200, 201]);
    expect(await statuses(publisher)).toEqual([200, 201, 403, 403]);
    expect(await statuses(reader)).toEqual([200, 403, 403, 403]);

    const listed = (await get(base, '/v1/tokens')).body.items;
    expect(listed.map(({ name }: { name: string }) => name)).toEqual(['alice', 'ci', 'console', 't1']);
    expect(JSON.stringify(listed)).not.toContain(publisher.body.token);
    const stored = JSON.stringify((await sql(base.database, 'SELECT * FROM tokens')).rows);
    expect(stored).not.toContain(publisher.body.token.slice(5));

    expect((await send(base, 'DELETE', `/v1/tokens/${reader.body.id}`)).status).toBe(204);
    expect((await statuses(reader))[0]).toBe(401);
    await sql(base.database, `UPDATE tokens SET expires_at = now() WHERE name = 'ci'`);
    expect((await statuses(publisher))[0]).toBe(401);
    expect((await send(base, 'DELETE', `/v1/tokens/${reader.body.id}`)).status).toBe(404);
    expect((await send(base, 'DELETE', '/v1/tokens/none')).status).toBe(404);
  });

  it('have names that are theirs alone while they are in use', async () => {
    const base = await aRegistry();
    const first = await make(base, { name: 'ci', role: 'reader' });
    expect(await make(base, { name: 'ci', role: 'admin' })).toMatchObject({ status: 409 });
    await send(base, 'DELETE', `/v1/tokens/${first.body.id}`);
    expect(await make(base, { name: 'ci', role: 'admin' })).toMatchObject({ status: 201 });
    for (const body of [
      { name: 'a b', role: 'reader' },
      { name: 'x', role: 'root' },
      { name: 'x', role: 'reader', expiresInDays: 0 },
      { name: 'x' },
      {},
    ])
      expect([body, (await make(base, body)).status]).toEqual([body, 400]);
  });
});

describe('the audit', () => {
  it('tells of each change who, from where, and what it was before and after', async () => {
    const base = await aRegistry();
    const { body: ci } = await send(base, 'POST', '/v1/tokens', { name: 'ci', role: 'publisher' });
    await published(base, '1.0.0', '1.1.0');
    await change(
      base,
      'POST',
      '/rollback',
      {},
      {
        authorization: `Bearer ${ci.token}`,
        'user-agent': 'mesh/1',
      },
    );
    await change(base, 'PUT', '/aliases/next', { version: '1.1.0' });
    await change(base, 'DELETE', '/aliases/next');
    await change(base, 'POST', '/versions/1.1.0/deprecate', { message: 'slow' });
    await change(base, 'DELETE', '/versions/1.1.0');
    await send(base, 'DELETE', `/v1/tokens/${ci.id}`);
    const { items } = (await get(base, '/v1/audit')).body;
    expect(items.map(({ action }: { action: string }) => action).toReversed()).toEqual([
      'token-create',
      'publish',
      'publish',
      'rollback',
      'alias',
      'alias-remove',
      'deprecate',
      'delete',
      'token-revoke',
    ]);
    const of = (action: string) => items.find((item: { action: string }) => item.action === action);
    expect(of('rollback')).toMatchObject({
      actor: 'token:ci',
      origin: { address: '127.0.0.1', agent: 'mesh/1', token: ci.id },
      path: FIND,
      before: { revision: 2, live: [{ version: '1.1.0', weight: 100 }] },
      after: { revision: 3, live: [{ version: '1.0.0', weight: 100 }] },
    });
    expect(of('alias')).toMatchObject({ before: { aliases: {} }, after: { aliases: { next: '1.1.0' } } });
    expect(of('deprecate')).toMatchObject({ version: '1.1.0', before: null, after: { deprecated: 'slow' } });
    expect(of('delete')).toMatchObject({
      version: '1.1.0',
      before: { digest: expect.any(String) },
      after: null,
    });
    expect(of('token-create')).toMatchObject({ actor: 'admin', after: { name: 'ci', role: 'publisher' } });
    expect(of('token-revoke')).toMatchObject({ before: { name: 'ci' }, after: null });
    expect(JSON.stringify(items)).not.toContain(ci.token);
  });
});

describe('publishing', () => {
  /** What an executor says of itself when it is asked about a path: the revision that it has, if it runs it at all. */
  async function executor(id: string, revision: () => number | undefined): Promise<void> {
    const connection = await natsAs('executor');
    const endpointOf = (path: string) => {
      const has = revision();
      if (has === undefined) return undefined;
      const stats = { requests: 0, errors: 0, lastError: '', processingTime: 0 };
      return { name: 'x', subject: 'x', metadata: { path, revision: String(has) }, stats };
    };
    const about = { name: 'mesh-executor', id, version: '1.0.0', description: '', started: '' };
    const discovery = serveDiscovery(connection, { ...about, endpoints: () => [], endpointOf });
    later(() => discovery.stop());
    await connection.flush();
  }

  it('waits until every executor that runs the path has the route, and names those that do not', async () => {
    const base = await aRegistry();
    let asked = 0;
    await executor('quick', () => 9);
    await executor('slow', () => (++asked > 5 ? 1 : 0));
    await executor('elsewhere', () => undefined);
    const first = await publish(base, FIND, await artifact('1.0.0'));
    expect(first.body.executors).toEqual({ confirmed: ['quick', 'slow'], missing: [] });
    expect(asked).toBeGreaterThan(5);
    const second = await publish(base, FIND, await artifact('1.1.0'));
    expect(second.body.executors).toEqual({ confirmed: ['quick'], missing: ['slow'] });
  });

  it('waits for no others when those that it knows have the route', async () => {
    const settleMs = 2_000;
    const executors = new Executors({ settleMs, longestMs: 10_000 });
    executors.follow(await natsAs('registry'));
    await executor('only', () => 1);
    const took = async () => {
      const started = performance.now();
      expect(await executors.confirm(FIND, 1)).toEqual({ confirmed: ['only'], missing: [] });
      return performance.now() - started;
    };
    expect(await took()).toBeGreaterThanOrEqual(settleMs);
    expect(await took()).toBeLessThan(settleMs);
  });

  it('does not wait where there is no executor', async () => {
    const base = await aRegistry();
    const answer = await publish(base, FIND, await artifact('1.0.0'));
    expect(answer.body).toMatchObject({
      created: true,
      live: true,
      executors: { confirmed: [], missing: [] },
    });
  });
});

describe('a registry that was frozen while it wrote', () => {
  it('cannot put an old route over a newer one', async () => {
    const base = await aRegistry();
    await published(base, '1.0.0');
    const store = await openRouteStore(await natsAs('registry'));
    const { route, tag } = await store.entry(FIND);
    await published(base, '1.1.0');
    expect(await store.put(route as Route, tag)).toBe(false);
    expect(await store.remove(FIND, tag)).toBe(false);
    expect(await written()).toMatchObject({ revision: 2, versions: [{ version: '1.1.0' }] });
  });
});

describe('what another registry left behind', () => {
  it('is carried to KV by one that lives', async () => {
    const base = await aRegistry();
    await published(base, '1.0.0', '1.1.0');
    // As if a registry had died between its commit and its write.
    await sql(
      base.database,
      `WITH changed AS (UPDATE routes SET revision = 3, live = '[{"version":"1.0.0","weight":100}]' RETURNING path)
         INSERT INTO route_outbox (path) SELECT path FROM changed`,
    );
    const route = await until(written, (found) => found?.revision === 3);
    expect(route?.versions).toMatchObject([{ version: '1.0.0' }]);
    const left = () => sql(base.database, 'SELECT FROM route_outbox');
    await until(left, ({ rowCount }) => rowCount === 0);
  });
});
