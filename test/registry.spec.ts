import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import pg from 'pg';
import type { ControlPath } from '#contracts';
import { type Connection, connect, openRouteStore, type RouteStore } from '#fabric';
import { type NatsServer, type PostgresServer, startNats, startPostgres } from '#servers';
import type { Catalogue } from '../apps/registry/src/catalogue/catalogue.js';
import { openCatalogue } from '../apps/registry/src/catalogue/open.js';
import {
  artifactOf,
  closeAll,
  digestOf,
  get,
  later,
  publish,
  raw,
  registry,
  request,
  TOKEN,
  until,
} from './registry.fixture.js';

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

const emptyDatabase = () => postgres.createDatabase(`registry_${++databases}`);
const aRegistry = async (environment = {}) => {
  const running = await registry({ database: await emptyDatabase(), nats, environment });
  await running.joined;
  return running;
};

/** KV as the registry's own user sees it: the others may not write. */
async function routeStore(): Promise<RouteStore> {
  const { user, password } = nats.users.registry;
  const connection: Connection = await connect({
    name: 'test',
    natsUrl: nats.url,
    natsUser: user,
    natsPassword: password,
    natsCredentials: undefined,
  });
  later(() => connection.close());
  return openRouteStore(connection);
}

const find = { path: 'users/find', version: '0.0.1' };
const FIND = 'users/find' as ControlPath;

describe('the one door', () => {
  it('stores, records, makes live and routes a version', async () => {
    const base = await aRegistry();
    const manifest = {
      ...find,
      description: 'Finds a user.',
      meta: { owner: 'crm' },
      limits: { timeoutMs: 500 },
    };
    const artifact = await artifactOf(manifest);
    const hex = digestOf(artifact);

    const answer = await publish(base, 'users/find', artifact);
    expect(answer).toMatchObject({
      status: 201,
      body: { ...find, digest: `sha256:${hex}`, size: artifact.length, publishedBy: 'admin', manifest },
    });
    expect(readFileSync(join(base.artifacts, 'sha256', `${hex}.tgz`))).toEqual(artifact);
    expect((await (await routeStore()).list()).get(FIND)).toEqual({
      path: 'users/find',
      revision: 1,
      aliases: {},
      versions: [
        {
          version: '0.0.1',
          digest: `sha256:${hex}`,
          weight: 100,
          runtime: 'node',
          entry: 'handler.mjs',
          triggers: [],
          limits: { timeoutMs: 500 },
          env: [],
          meta: { owner: 'crm' },
        },
      ],
    });
    expect((await get(base, '/v1/audit')).body.items).toMatchObject([
      { actor: 'admin', action: 'publish', ...find, detail: { digest: `sha256:${hex}`, revision: 1 } },
    ]);
  });

  it('takes the same again as done, and refuses other bytes for a version', async () => {
    const base = await aRegistry();
    const artifact = await artifactOf(find);
    expect((await publish(base, 'users/find', artifact)).status).toBe(201);
    expect(await publish(base, 'users/find', artifact)).toMatchObject({ status: 200, body: find });
    const other = await publish(base, 'users/find', await artifactOf(find, 'export default () => 1;'));
    expect(other).toMatchObject({
      status: 409,
      type: 'application/problem+json',
      body: { code: 'conflict' },
    });
    expect(other.body.detail).toContain(digestOf(artifact));
    expect((await get(base, '/v1/audit')).body.items).toHaveLength(1);
  });

  it('sends all calls to the newest version, and an old one sent again does not come back', async () => {
    const base = await aRegistry();
    const first = await artifactOf(find);
    await publish(base, 'users/find', first);
    await publish(base, 'users/find', await artifactOf({ ...find, version: '0.0.2' }));
    expect((await publish(base, 'users/find', first)).status).toBe(200);
    const { body } = await get(base, '/v1/handlers/users%2Ffind');
    expect(body).toMatchObject({
      revision: 2,
      live: [{ version: '0.0.2', weight: 100 }],
      manifest: { version: '0.0.2' },
    });
    const versions = (await get(base, '/v1/handlers/users%2Ffind/versions')).body;
    expect(versions.items.map((v: { version: string }) => v.version)).toEqual(['0.0.2', '0.0.1']);
  });

  it('publishes one after the other, over two registries, and KV ends where the catalogue does', async () => {
    const database = await emptyDatabase();
    const both = await Promise.all([registry({ database, nats }), registry({ database, nats })]);
    await Promise.all(both.map((one) => one.joined));
    const answers = await Promise.all(
      Array.from({ length: 20 }, async (_, i) =>
        publish(
          both[i % 2] as (typeof both)[0],
          'users/find',
          await artifactOf({ ...find, version: `1.0.${i}` }),
        ),
      ),
    );
    expect(answers.map((a) => a.status)).toEqual(Array(20).fill(201));
    const { body } = await get(both[0], '/v1/handlers/users%2Ffind');
    const written = (await (await routeStore()).list()).get(FIND);
    expect(written).toMatchObject({ revision: 20, versions: [{ version: body.live[0].version }] });
    expect(body.revision).toBe(20);
  });
});

describe('what the door refuses', () => {
  const refusals: [string, string, number, string, (base: { url: string }) => Promise<unknown>][] = [
    [
      'another digest than stated',
      'digest-mismatch',
      422,
      'sha-256',
      async (b) =>
        publish(b, 'users/find', await artifactOf(find), {
          'content-digest': `sha-256=:${Buffer.alloc(32).toString('base64')}:`,
        }),
    ],
    [
      'what is no artifact',
      'bad-artifact',
      422,
      'gzip',
      (b) => publish(b, 'users/find', Buffer.from('hello')),
    ],
    ['nothing', 'bad-artifact', 422, 'no body', (b) => publish(b, 'users/find', Buffer.alloc(0))],
    [
      'another path than the manifest',
      'bad-artifact',
      422,
      'users/find',
      async (b) => publish(b, 'users/get', await artifactOf(find)),
    ],
    [
      'a path that is none',
      'bad-path',
      404,
      'segment',
      async (b) => publish(b, 'Users/../find', await artifactOf(find)),
    ],
    [
      'an environment name that nobody offers',
      'bad-artifact',
      422,
      'AWS_SECRET_ACCESS_KEY',
      async (b) =>
        publish(
          b,
          'users/find',
          await artifactOf({ ...find, env: ['DATABASE_URL', 'AWS_SECRET_ACCESS_KEY'] }),
        ),
    ],
    [
      'a trigger on the pages of the mesh',
      'bad-artifact',
      422,
      '/metrics',
      async (b) =>
        publish(b, 'users/find', await artifactOf({ ...find, triggers: [{ http: { path: '/metrics' } }] })),
    ],
    [
      'text that cannot be kept',
      'bad-artifact',
      422,
      'NUL',
      async (b) => publish(b, 'users/find', await artifactOf({ ...find, meta: { a: '\0' } })),
    ],
    [
      'a manifest too large for a route',
      'bad-artifact',
      422,
      'bytes',
      async (b) => publish(b, 'users/find', await artifactOf({ ...find, meta: { a: 'x'.repeat(200_000) } })),
    ],
    [
      'more than it takes',
      'payload-too-large',
      413,
      '',
      (b) => publish(b, 'users/find', Buffer.alloc(20_000)),
    ],
    [
      'another content type',
      'unsupported-media-type',
      415,
      '',
      (b) => publish(b, 'users/find', Buffer.from('{}'), { 'content-type': 'application/json' }),
    ],
    [
      'a coding on top',
      'unsupported-media-type',
      415,
      'Content-Encoding',
      async (b) => publish(b, 'users/find', await artifactOf(find), { 'content-encoding': 'gzip' }),
    ],
  ];

  it('is each refused with its reason, and leaves nothing behind', async () => {
    const base = await aRegistry({ MESH_HANDLER_ENV: 'DATABASE_URL', MESH_MAX_ARTIFACT_BYTES: '10000' });
    for (const [what, code, status, reason, attempt] of refusals) {
      const answer = await attempt(base);
      expect([what, answer]).toMatchObject([
        what,
        { status, type: 'application/problem+json', body: { code, status } },
      ]);
      expect([what, JSON.stringify(answer)]).toEqual([what, expect.stringContaining(reason)]);
    }
    expect((await get(base, '/v1/handlers')).body).toEqual({ items: [], next: null });
    expect((await get(base, '/v1/audit')).body).toEqual({ items: [], next: null });
    const offered = await artifactOf({ ...find, env: ['DATABASE_URL'] });
    const stated = {
      'content-digest': `sha-256=:${Buffer.from(digestOf(offered), 'hex').toString('base64')}:`,
    };
    expect((await publish(base, 'users/find', offered, stated)).status).toBe(201);
  });

  it('names the handler that answers the same HTTP requests', async () => {
    const base = await aRegistry();
    const byId = (path: string, method?: 'GET' | 'PUT', name = 'id') =>
      artifactOf({
        path,
        version: '1.0.0',
        triggers: [{ http: { path: `/users/{${name}}`, ...(method && { method }) } }],
      });
    expect((await publish(base, 'users/get', await byId('users/get', 'GET'))).status).toBe(201);
    expect((await publish(base, 'users/put', await byId('users/put', 'PUT'))).status).toBe(201);
    const same = await publish(base, 'users/show', await byId('users/show', 'GET', 'key'));
    expect(same).toMatchObject({ status: 409, body: { code: 'conflict' } });
    expect(same.body.detail).toContain('users/get');
    expect((await publish(base, 'users/any', await byId('users/any'))).status).toBe(409);
    // A default trigger claims the handler's own path, whoever else wants it.
    await publish(base, 'users/find', await artifactOf(find));
    const taken = { path: 'a', version: '1.0.0', triggers: [{ http: { path: '/users/find' } }] };
    expect((await publish(base, 'a', await artifactOf(taken))).body.detail).toContain('users/find');
    // What a handler no longer claims is free.
    const moved = { path: 'users/get', version: '2.0.0', triggers: [{ http: { path: '/people/{id}' } }] };
    expect((await publish(base, 'users/get', await artifactOf(moved))).status).toBe(201);
    expect((await publish(base, 'users/show', await byId('users/show', 'GET'))).status).toBe(201);
  });

  it('lets one of two that claim the same at once win', async () => {
    const base = await aRegistry();
    const rivals = ['a/one', 'a/two', 'a/three', 'a/four'];
    const answers = await Promise.all(
      rivals.map(async (path) =>
        publish(
          base,
          path,
          await artifactOf({ path, version: '1.0.0', triggers: [{ http: { path: '/prize' } }] }),
        ),
      ),
    );
    expect(answers.map((a) => a.status).sort()).toEqual([201, 409, 409, 409]);
  });
});

describe('the API', () => {
  it('wants the token on everything below /v1, whatever the spelling, before it reads a body', async () => {
    const base = await aRegistry();
    const paths = [
      '/v1/handlers',
      '/v1/audit',
      '/v1/nothing',
      '/%761/handlers',
      '/v1/handlers/users%2Ffind/versions',
    ];
    for (const path of paths)
      for (const authorization of ['', 'Bearer', 'Bearer wrong', `Basic ${TOKEN}`, `Bearer ${TOKEN}x`]) {
        const answer = await request(base.url + path, { headers: { authorization } });
        expect([path, authorization, answer.status, answer.body.code]).toEqual([
          path,
          authorization,
          401,
          'unauthorized',
        ]);
        expect(answer.headers.get('www-authenticate')).toBe('Bearer');
      }
    const upload = await publish(base, 'users/find', Buffer.alloc(1_000_000), {
      authorization: 'Bearer wrong',
    });
    expect(upload.status).toBe(401);
  });

  it('answers lists in pages', async () => {
    const base = await aRegistry();
    const paths = ['a', 'a-b', 'a/b', 'b', 'c_d'];
    for (const path of paths) await publish(base, path, await artifactOf({ path, version: '1.0.0' }));
    const seen: string[] = [];
    let next: string | null = '';
    while (next !== null) {
      const { body } = await get(base, `/v1/handlers?limit=2${next && `&cursor=${next}`}`);
      expect(body.items.length).toBeLessThanOrEqual(2);
      seen.push(...body.items.map((item: { path: string }) => item.path));
      next = body.next;
    }
    expect(seen).toEqual(['a', 'a-b', 'a/b', 'b', 'c_d']);
    const audit = await get(base, '/v1/audit?limit=3');
    const rest = await get(base, `/v1/audit?cursor=${audit.body.next}`);
    expect([...audit.body.items, ...rest.body.items].map((e) => e.path)).toEqual(paths.toReversed());
    for (const bad of ['limit=0', 'limit=1001', 'limit=x', 'cursor=!', 'cursor=YQ', 'limit=1&limit=2'])
      expect([bad, (await get(base, `/v1/audit?${bad}`)).body.code]).toEqual([bad, 'bad-request']);
  });

  it('says problem+json to what it does not know', async () => {
    const base = await aRegistry();
    const asked = [
      '/nothing',
      '/v1/nothing',
      '/v1/handlers/users%2Fnone',
      '/v1/handlers/users%2Fnone/versions',
    ];
    for (const path of asked)
      expect(await get(base, path)).toMatchObject({
        status: 404,
        type: 'application/problem+json',
        body: { code: 'not-found' },
      });
    for (const path of [
      '/v1/handlers/A',
      '/v1/handlers/users%2F',
      '/v1/handlers/health',
      '/v1/handlers/a%00b',
    ])
      expect(await get(base, path)).toMatchObject({
        status: 404,
        type: 'application/problem+json',
        body: { code: 'bad-path' },
      });
  });

  it('describes itself, with the schemas of what it answers', async () => {
    const base = await aRegistry();
    const { body } = await request(`${base.url}/openapi.json`, { headers: { authorization: '' } });
    expect(Object.keys(body.paths)).toEqual(
      expect.arrayContaining([
        '/v1/handlers',
        '/v1/handlers/{path}',
        '/v1/handlers/{path}/versions',
        '/v1/handlers/{path}/route',
        '/v1/tokens',
        '/v1/audit',
      ]),
    );
    const created = body.paths['/v1/handlers/{path}/versions'].post.responses['201'];
    expect(created.content['application/json'].schema.properties.manifest.properties.version.type).toBe(
      'string',
    );
    expect((await get(base, '/docs')).body).toContain('swagger-ui');
  });

  it('is healthy, ready and measured without a token', async () => {
    const base = await aRegistry();
    const open = (path: string) => request(base.url + path, { headers: { authorization: '' } });
    expect((await open('/health')).status).toBe(200);
    const ready = await until(
      () => open('/health/ready'),
      ({ status }) => status === 200,
    );
    expect(ready.body.checks).toEqual({ database: true, nats: true, routes: true, rpc: true, work: true });
    expect((await open('/metrics')).body).toContain('process_cpu_seconds_total');
  });
});

describe('the catalogue', () => {
  it('lets nobody change or remove what was published or recorded', async () => {
    const database = await emptyDatabase();
    const base = await registry({ database, nats });
    await base.joined;
    await publish(base, 'users/find', await artifactOf(find));
    const client = new pg.Client({ connectionString: database });
    await client.connect();
    later(() => client.end());
    for (const table of ['versions', 'audit_entries'])
      for (const attempt of [
        `UPDATE ${table} SET version = '2'`,
        `DELETE FROM ${table}`,
        `TRUNCATE ${table} CASCADE`,
      ])
        await expect(client.query(attempt)).rejects.toThrow(`rows of ${table} are never changed or removed`);
  });
});

describe('writing routes', () => {
  it('is done by one registry at a time, the other waits', async () => {
    const database = await emptyDatabase();
    const log = { info() {}, warn() {}, error() {} };
    const both = await Promise.all([1, 2].map(() => openCatalogue({ url: database, waitMs: 5_000, log })));
    const [one, two] = both as [Catalogue, Catalogue];
    later(() => Promise.all([one.close(), two.close()]));
    const client = new pg.Client({ connectionString: database });
    await client.connect();
    later(() => client.end());

    const order: string[] = [];
    const gate = Promise.withResolvers<void>();
    const entered = Promise.withResolvers<void>();
    const first = one.outbox.withRoutes(async () => {
      entered.resolve();
      await gate.promise;
      order.push('one');
    });
    await entered.promise;
    const second = two.outbox.withRoutes(async () => void order.push('two'));
    const waiting = `SELECT count(*)::int AS n FROM pg_locks WHERE locktype = 'advisory' AND NOT granted
      AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`;
    await until(
      async () => (await client.query(waiting)).rows[0].n + order.length,
      (n) => n > 0,
    );
    gate.resolve();
    await Promise.all([first, second]);
    expect(order).toEqual(['one', 'two']);
  });
});

describe('hostile requests', () => {
  it('get a 4xx and a problem each, and the registry goes on', async () => {
    const base = await aRegistry();
    const auth = `authorization: Bearer ${TOKEN}`;
    const lines = [
      'GET /%zz HTTP/1.1',
      'GET /v1/handlers/%ff%fe HTTP/1.1',
      'GET /v1/handlers/%c0%ae%c0%ae HTTP/1.1',
      `GET /v1/handlers/${'a'.repeat(5_000)} HTTP/1.1`,
      'GET /v1/handlers/..%2f..%2fetc%2fpasswd HTTP/1.1',
      'GET /v1/handlers/$SYS HTTP/1.1',
      'GET /v1/handlers/users.* HTTP/1.1',
      "GET /v1/handlers/a';DROP%20TABLE%20versions-- HTTP/1.1",
      'GET /v1/../v1/nothing HTTP/1.1',
      'GET //v1/handlers HTTP/1.1',
      'GET http://elsewhere/v1/nothing HTTP/1.1',
      'PATCH /v1/handlers HTTP/1.1',
      'DELETE /v1/handlers/users%2Ffind HTTP/1.1',
      'TRACE / HTTP/1.1',
      'BREW / HTTP/1.1',
      'POST /v1/handlers/users%2Ffind/versions HTTP/1.1\r\ncontent-length: -1',
      'POST /v1/handlers/users%2Ffind/versions HTTP/1.1\r\ncontent-type: application/json\r\ncontent-length: 2\r\nx: y',
      'POST /v1/handlers/users%2Ffind/versions HTTP/1.1\r\ntransfer-encoding: chunked\r\ncontent-length: 5',
      `GET /v1/handlers HTTP/1.1\r\nx-long: ${'a'.repeat(100_000)}`,
      'GET /v1/handlers?cursor=%00 HTTP/1.1',
      'GET /v1/handlers?limit[]=1&limit[__proto__]=2&limit=9 HTTP/1.1\r\nx: \u0001',
      'nonsense',
    ];
    for (const line of lines) {
      const answer = await raw(base, `${line}\r\nhost: x\r\n${auth}\r\nconnection: close\r\n\r\n`);
      const shown = [line.slice(0, 80), answer.slice(0, 600)];
      expect(shown).toEqual([shown[0], expect.stringMatching(/^HTTP\/1\.1 4\d\d /)]);
      expect(shown).toEqual([shown[0], expect.stringContaining('application/problem+json')]);
      expect(answer).not.toMatch(/node_modules|\.js:\d+|QueryFailedError/);
    }
    expect((await get(base, '/health')).status).toBe(200);
  });
});
