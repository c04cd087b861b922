import { pathToFileURL } from 'node:url';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { jetstreamManager } from '@nats-io/jetstream';
import { connect as natsClient } from '@nats-io/transport-node';
import pg from 'pg';
import {
  type ControlPath,
  callSubject,
  type InvocationRecord,
  mintMeshId,
  packInvocations,
} from '#contracts';
import { type AuditWriter, openAuditWriter } from '#fabric';
import { type NatsServer, type PostgresServer, startNats, startPostgres } from '#servers';
import { closeAll as closeFixtures } from './fixtures/later.js';
import { type Catalogue, connectAs, executor } from './fixtures/mesh.js';
import { tcpProxy } from './fixtures/tcp-proxy.js';
import { artifactOf, closeAll, get, later, publish, registry, until } from './registry.fixture.js';

/* Records of what ran: from an executor through stream AUDIT into Postgres, and out again by filter. */

let postgres: PostgresServer;
let databases = 0;

beforeAll(async () => {
  postgres = await startPostgres();
});
afterEach(async () => {
  await closeFixtures();
  await closeAll();
});
afterAll(() => postgres.stop());

const EXECUTOR = mintMeshId();
const DAY_MS = 86_400_000;

interface World {
  readonly base: Awaited<ReturnType<typeof registry>>;
  readonly nats: NatsServer;
  readonly database: string;
  readonly writer: AuditWriter;
}

async function world(
  environment: Record<string, string> = {},
  url?: (direct: string) => Promise<string>,
): Promise<World> {
  const database = await postgres.createDatabase(`invocations_${++databases}`);
  const nats = await startNats();
  later(() => nats.stop());
  const base = await registry({ database: (await url?.(database)) ?? database, nats, environment });
  await base.joined;
  return { base, nats, database, writer: openAuditWriter(await connectAs(nats, 'executor')) };
}

async function sql(database: string, text: string): Promise<Record<string, unknown>[]> {
  const client = new pg.Client({ connectionString: database });
  await client.connect();
  try {
    return (await client.query(text)).rows;
  } finally {
    await client.end();
  }
}

/** Microseconds since 1970, some ms before now. */
const ago = (ms: number): number => (Date.now() - ms) * 1_000;

const ran = (more: Partial<InvocationRecord> = {}): InvocationRecord => ({
  id: mintMeshId(),
  path: 'users/find',
  version: '1.0.0',
  source: 'http',
  status: 200,
  outcome: 'ok',
  startedAt: ago(1_000),
  duration: 1_234,
  attempt: 1,
  ...more,
});

async function send(
  writer: AuditWriter,
  records: readonly InvocationRecord[],
  batch = mintMeshId(),
): Promise<void> {
  await writer.sendInvocations(batch, packInvocations({ batch, executor: EXECUTOR, records }));
}

const list = (base: { url: string }, query = '') => get(base, `/v1/invocations?${query}`);
const counted = async (database: string): Promise<number> =>
  Number((await sql(database, 'SELECT count(*) FROM invocations'))[0]?.count);
/** Resolves when so many records are in Postgres. */
const written = (database: string, count: number) =>
  until(
    () => counted(database),
    (found) => found === count,
  );

describe('a record', () => {
  it('is shown as it was made', async () => {
    const { base, writer } = await world();
    const record = ran({
      startedAt: ago(5_000) + 123,
      status: 500,
      outcome: 'handler-error',
      attempt: 3,
      traceId: '0af7651916cd43dd8448eb211c80319c',
      caller: '198.51.100.0/24 – ümläut',
    });
    const { version: _, ...bare } = ran({ startedAt: ago(9_000) });
    await send(writer, [record, bare]);
    const { body } = await until(
      () => list(base),
      ({ body }) => body.items.length === 2,
    );
    const { startedAt, traceId, ...rest } = record;
    expect(body.items[0]).toEqual({
      ...rest,
      traceId,
      startedAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}123Z$/),
      executor: EXECUTOR,
    });
    expect(Date.parse(body.items[0].startedAt)).toBe(Math.floor(startedAt / 1_000));
    expect(body.items[1]).toMatchObject({ version: null, traceId: null, caller: null, id: bare.id });
  });

  it('is written once, however often and wherever its batch is delivered', async () => {
    const { base, nats, database, writer } = await world();
    const second = await registry({ database, nats });
    await second.joined;
    const batches = Array.from({ length: 40 }, () => mintMeshId());
    const records = [ran(), ran()];
    const json = (batch: string) => packInvocations({ batch, executor: EXECUTOR, records });
    // Under other ids, or the server itself would keep one of each.
    for (let round = 0; round < 3; round++)
      await Promise.all(batches.map((batch) => writer.sendInvocations(`${batch}#${round}`, json(batch))));
    await send(writer, [ran({ path: 'last' })]);
    await until(
      () => list(base, 'path=last'),
      ({ body }) => body.items.length === 1,
    );
    await until(
      () => pending(nats),
      (left) => left === 0,
    );
    expect(await counted(database)).toBe(81);
  });

  it('that nobody can read is refused, and holds up no other', async () => {
    const { base, nats, database, writer } = await world();
    await writer.sendInvocations('a', 'no json');
    await writer.sendInvocations('b', '{}');
    // Reads well, and Postgres does not take it, nor what it is written together with.
    await sql(database, 'ALTER TABLE invocations ADD CHECK (attempt < 30000)');
    await Promise.all([send(writer, [ran(), ran({ attempt: 30_001 })]), send(writer, [ran()])]);
    await send(writer, [ran({ path: 'fine' })]);
    await written(database, 2);
    await until(
      () => pending(nats),
      (left) => left === 0,
    );
    const metrics = (await get(base, '/metrics')).body as string;
    expect(metrics).toMatch(/mesh_registry_invocation_batches_refused_total\{[^}]*\} 3/);
  });
});

/** Batches that were not let go from the stream. */
async function pending(nats: NatsServer): Promise<number> {
  const { user, password } = nats.users.registry;
  const client = await natsClient({ servers: nats.url, user, pass: password, inboxPrefix: `_INBOX.${user}` });
  try {
    const manager = await jetstreamManager(client);
    const { num_pending, num_ack_pending } = await manager.consumers.info('AUDIT', 'registry-invocations');
    return num_pending + num_ack_pending;
  } finally {
    await client.close();
  }
}

describe('filters', () => {
  it('hold together, whichever are given', async () => {
    const { base, database, writer } = await world();
    const paths = ['a', 'b/c', 'd'];
    const records = Array.from({ length: 240 }, (_, i) =>
      ran({
        path: paths[i % 3] as string,
        version: i % 2 ? '1.0.0' : '2.0.0',
        status: i % 5 ? 200 : 404,
        outcome: i % 5 ? 'ok' : 'failed',
        source: i % 7 ? 'http' : 'sqs',
        startedAt: ago(3_600_000 * i),
      }),
    );
    await send(writer, records);
    await written(database, 240);
    const middle = new Date(Math.floor((records[100] as InvocationRecord).startedAt / 1_000)).toISOString();
    const filters: [string, (record: InvocationRecord) => boolean][] = [
      ['path=b%2Fc', ({ path }) => path === 'b/c'],
      ['version=2.0.0', ({ version }) => version === '2.0.0'],
      ['status=404', ({ status }) => status === 404],
      ['source=sqs', ({ source }) => source === 'sqs'],
      [`since=${middle}`, ({ startedAt }) => startedAt >= Date.parse(middle) * 1_000],
      [`until=${middle}`, ({ startedAt }) => startedAt < Date.parse(middle) * 1_000],
    ];
    for (let which = 0; which < 2 ** filters.length; which++) {
      const chosen = filters.filter((_, bit) => which & (1 << bit));
      const query = chosen.map(([text]) => text).join('&');
      const expected = records.filter((record) => chosen.every(([, holds]) => holds(record)));
      const found = (await list(base, `limit=1000&${query}`)).body.items;
      // Newest first, as they were made.
      expect([query, found.map(({ id }: { id: string }) => id)]).toEqual([
        query,
        expected.map(({ id }) => id),
      ]);
    }
  });

  it('give page after page, without gap or repeat, also where many began at once', async () => {
    const { base, database, writer } = await world();
    const startedAt = ago(1_000);
    const records = Array.from({ length: 205 }, (_, i) =>
      ran({ startedAt: startedAt - (i % 3), path: `p${i % 2}` }),
    );
    await send(writer, records);
    await written(database, 205);
    for (const [query, count] of [
      ['', 205],
      ['path=p1', 102],
      [`until=${new Date().toISOString()}&source=http`, 205],
    ] as const) {
      const seen: string[] = [];
      for (let cursor: string | null = ''; cursor !== null; ) {
        const { body } = await list(base, `limit=20&${query}${cursor && `&cursor=${cursor}`}`);
        seen.push(...body.items.map(({ id }: { id: string }) => id));
        cursor = body.next;
      }
      expect([query, seen.length, new Set(seen).size]).toEqual([query, count, count]);
    }
  });

  it('find among more kinds than are asked one by one', async () => {
    const { base, database, writer } = await world();
    const records = Array.from({ length: 300 }, (_, i) =>
      ran({ path: `many/p${i}`, startedAt: ago(i * 60_000) }),
    );
    await send(writer, [...records, ran({ path: 'other', source: 'mqtt', startedAt: ago(0) })]);
    await written(database, 301);
    const { body } = await list(base, 'source=http&limit=1000');
    expect(body.items.map(({ id }: { id: string }) => id)).toEqual(records.map(({ id }) => id));
    const page = (await list(base, 'source=http&limit=10')).body;
    expect(page.items.map(({ id }: { id: string }) => id)).toEqual(records.slice(0, 10).map(({ id }) => id));
  });

  it('are refused with a reason when they are none', async () => {
    const { base } = await world();
    for (const query of [
      'status=ok',
      'status=99',
      'source=telegraph',
      'since=yesterday',
      'cursor=x',
      'limit=5000',
      'path=',
    ]) {
      const { status, type } = await list(base, query);
      expect([query, status, type]).toEqual([query, 400, 'application/problem+json']);
    }
    expect(
      (await get(base, '/openapi.json')).body.paths['/v1/invocations'].get.parameters.map(
        (p: { name: string }) => p.name,
      ),
    ).toEqual(
      expect.arrayContaining(['path', 'version', 'status', 'source', 'since', 'until', 'limit', 'cursor']),
    );
  });
});

describe('days', () => {
  it('each have a table of their own, made when records come, dropped when they are too old', async () => {
    const { database, nats, base, writer } = await world({ MESH_INVOCATIONS_RETENTION_DAYS: '40' });
    await send(writer, [ran({ startedAt: ago(35 * DAY_MS) }), ran({ startedAt: ago(2 * DAY_MS) }), ran()]);
    // Too old to be kept, and from a clock that is far ahead.
    await send(writer, [
      ran({ startedAt: ago(60 * DAY_MS), path: 'old' }),
      ran({ startedAt: ago(-400 * DAY_MS), path: 'ahead' }),
    ]);
    await written(database, 4);
    expect((await list(base, 'path=old')).body.items).toEqual([]);
    const [ahead] = (await list(base, 'path=ahead')).body.items;
    expect(Math.abs(Date.parse(ahead.startedAt) - Date.now())).toBeLessThan(60_000);
    await base.stop();
    const next = await registry({ database, nats, environment: { MESH_INVOCATIONS_RETENTION_DAYS: '7' } });
    await next.joined;
    expect(await counted(database)).toBe(3);
    const tables = await sql(
      database,
      "SELECT inhrelid::regclass::text AS name FROM pg_inherits WHERE inhparent = 'invocations'::regclass ORDER BY 1",
    );
    const day = (offset: number) =>
      `invocations_${new Date(Date.now() + offset * DAY_MS).toISOString().slice(0, 10).replaceAll('-', '')}`;
    expect(tables.map(({ name }) => name)).toEqual([-2, 0, 1, 2].map(day));
  });
});

describe('while Postgres is away', () => {
  it('records wait in the stream, and all are there when it is back', async () => {
    let proxy: Awaited<ReturnType<typeof tcpProxy>> | undefined;
    const { base, database, writer } = await world({}, async (direct) => {
      const url = new URL(direct);
      proxy = await tcpProxy(Number(url.port));
      url.port = String(proxy.port);
      return url.href;
    });
    await send(writer, [ran()]);
    await written(database, 1);
    proxy?.shut();
    for (let i = 0; i < 30; i++) await send(writer, [ran(), ran()]);
    expect((await list(base)).status).toBe(503);
    expect(await counted(database)).toBe(1);
    proxy?.open();
    await written(database, 61);
  });
});

describe('from a call', () => {
  it('to its record: with version, source, status, outcome, duration and trace; none is lost at the stop', async () => {
    const { base, nats, database } = await world();
    const code = `export const handle = (n) => { if (n === 13) throw new Error('no'); return n; };`;
    await publish(base, 'numbers/echo', await artifactOf({ path: 'numbers/echo', version: '1.2.3' }, code));
    const of = { nats, artifactsUrl: pathToFileURL(base.artifacts).href } as Catalogue;
    const running = await executor(of, { MESH_ISOLATION: 'inline' });
    const client = await natsClient({ servers: nats.url });
    later(() => client.close());
    const subject = callSubject('numbers/echo' as ControlPath);
    await until(
      () =>
        client.request(subject, '0').then(
          () => true,
          () => false,
        ),
      (answered) => answered,
    );
    await Promise.all(Array.from({ length: 700 }, (_, i) => client.request(subject, String(i))));
    await running.stop();
    await written(database, 701);
    const ok = (await list(base, 'path=numbers%2Fecho&version=1.2.3&status=200&limit=1000')).body.items;
    expect(ok).toHaveLength(700);
    expect(ok[0]).toMatchObject({ source: 'nats', outcome: 'ok', attempt: 1, caller: null });
    expect(ok[0].duration).toBeGreaterThan(0);
    const [failed] = (await list(base, 'status=500')).body.items;
    expect(failed).toMatchObject({ outcome: 'handler-error', version: '1.2.3', path: 'numbers/echo' });
  });

  it('also when the connection to NATS is cut before it was sent', async () => {
    const { base, nats, database } = await world();
    const code = 'export const handle = (n) => n;';
    await publish(base, 'numbers/echo', await artifactOf({ path: 'numbers/echo', version: '1.2.3' }, code));
    const proxy = await tcpProxy(nats.port);
    const of = { nats, artifactsUrl: pathToFileURL(base.artifacts).href } as Catalogue;
    await executor(of, { MESH_ISOLATION: 'inline', MESH_NATS_URL: `nats://127.0.0.1:${proxy.port}` });
    const client = await natsClient({ servers: nats.url });
    later(() => client.close());
    const subject = callSubject('numbers/echo' as ControlPath);
    await until(
      () =>
        client.request(subject, '0').then(
          () => true,
          () => false,
        ),
      (answered) => answered,
    );
    await written(database, 1);
    await Promise.all(Array.from({ length: 20 }, (_, i) => client.request(subject, String(i))));
    proxy.shut();
    await expect(client.request(subject, '0')).rejects.toThrow();
    proxy.open();
    await written(database, 21);
  });
});
