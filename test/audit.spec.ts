import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import pg from 'pg';
import type { EntityManager, MigrationInterface, QueryRunner } from 'typeorm';
import { type NatsServer, type PostgresServer, startNats, startPostgres } from '#servers';
import { checkChain, readChain } from '../apps/registry/src/catalogue/audit/verify.js';
import { Catalogue1763760000000 } from '../apps/registry/src/catalogue/migrations/1763760000000-catalogue.js';
import { ControlPlane1763900000000 } from '../apps/registry/src/catalogue/migrations/1763900000000-control-plane.js';
import { AuditChain1763910000000 } from '../apps/registry/src/catalogue/migrations/1763910000000-audit-chain.js';
import {
  type Answer,
  artifactOf,
  closeAll,
  get,
  later,
  publish,
  registry,
  until,
} from './registry.fixture.js';

/* The audit: what it lists, that nobody changes it by the way, and that who does so by force is found. */

let postgres: PostgresServer;
let databases = 0;

beforeAll(async () => {
  postgres = await startPostgres();
});
afterEach(closeAll);
afterAll(() => postgres.stop());

const PATHS = ['a', 'b', 'a/c', 'd', 'e'];

interface World {
  readonly base: { url: string };
  readonly nats: NatsServer;
  /** As a superuser. */
  readonly sql: (text: string) => Promise<{ rows: Record<string, unknown>[] }>;
  /** As who holds the database can: with what guards the entries switched off. */
  readonly force: (text: string) => Promise<void>;
}

/** Five entries, whose head is in KV. */
async function world(): Promise<World> {
  const database = await postgres.createDatabase(`audit_${++databases}`);
  const nats = await startNats();
  later(() => nats.stop());
  const base = await registry({ database, nats });
  await base.joined;
  const client = new pg.Client({ connectionString: database });
  await client.connect();
  later(() => client.end());
  for (const path of PATHS)
    expect((await publish(base, path, await artifactOf({ path, version: '1.0.0' }))).status).toBe(201);
  await until(
    () => get(base, '/v1/audit/verify'),
    ({ body }) => body.kept?.seq === PATHS.length,
  );
  const force = async (text: string) => {
    await client.query('ALTER TABLE audit_entries DISABLE TRIGGER USER');
    await client.query(text);
    await client.query('ALTER TABLE audit_entries ENABLE TRIGGER USER');
  };
  return { base, nats, sql: (text) => client.query(text), force };
}

const verify = (base: { url: string }): Promise<Answer> => get(base, '/v1/audit/verify');

describe('the chain', () => {
  it('is whole as long as nobody touched it, also while entries are appended', async () => {
    const { base } = await world();
    const { status, body } = await verify(base);
    expect([status, body]).toMatchObject([200, { ok: true, checked: 5, head: body.kept }]);
    expect(body.head).toEqual({ seq: 5, hash: expect.stringMatching(/^[0-9a-f]{64}$/) });
    const versions = Array.from({ length: 20 }, (_, i) => `2.0.${i}`);
    const [checks] = await Promise.all([
      Promise.all(Array.from({ length: 20 }, () => verify(base))),
      ...versions.map(async (version) => publish(base, 'a', await artifactOf({ path: 'a', version }))),
    ]);
    expect(checks.map(({ body }) => body.ok)).toEqual(Array(20).fill(true));
    expect((await verify(base)).body).toMatchObject({ ok: true, checked: 25 });
  });

  it('is one chain over two registries that append at once', async () => {
    const database = await postgres.createDatabase(`audit_${++databases}`);
    const nats = await startNats();
    later(() => nats.stop());
    const both = await Promise.all([registry({ database, nats }), registry({ database, nats })]);
    await Promise.all(both.map(({ joined }) => joined));
    const answers = await Promise.all(
      Array.from({ length: 20 }, async (_, i) => {
        const path = `h/p${i}`;
        return publish(both[i % 2] as { url: string }, path, await artifactOf({ path, version: '1.0.0' }));
      }),
    );
    expect(answers.map(({ status }) => status)).toEqual(Array(20).fill(201));
    expect((await verify(both[0])).body).toMatchObject({ ok: true, checked: 20 });
  });

  const edits: [string, string][] = [
    ['its actor', "actor = 'nobody'"],
    ['its path', "path = 'z'"],
    ['its path taken away', 'path = NULL'],
    ['its time, by a microsecond', "at = at + interval '1 microsecond'"],
    ['its detail', 'detail = \'{"digest":"sha256:00"}\''],
    ['where it came from', "origin = '{}'"],
    ['what was there before', "before = '{}'"],
    ['its hash', "hash = repeat('0', 64)"],
  ];
  it('shows every edit made by hand, at the entry that was edited', async () => {
    const { base, sql, force } = await world();
    const [original] = (await sql('SELECT * FROM audit_entries WHERE seq = 3')).rows;
    for (const [what, edit] of edits) {
      await force('CREATE TEMPORARY TABLE saved AS SELECT * FROM audit_entries WHERE seq = 3');
      await force(`UPDATE audit_entries SET ${edit} WHERE seq = 3`);
      const { body } = await verify(base);
      expect([what, body]).toMatchObject([what, { ok: false, checked: 2, firstBroken: { seq: 3 } }]);
      await force('DELETE FROM audit_entries WHERE seq = 3');
      await force('INSERT INTO audit_entries OVERRIDING SYSTEM VALUE SELECT * FROM saved');
      await force('DROP TABLE saved');
    }
    expect((await sql('SELECT * FROM audit_entries WHERE seq = 3')).rows).toEqual([original]);
    expect((await verify(base)).body).toMatchObject({ ok: true, checked: 5 });
  });

  it('shows an entry that was taken out, at its place', async () => {
    const { base, force } = await world();
    await force('DELETE FROM audit_entries WHERE seq = 2');
    expect((await verify(base)).body).toMatchObject({
      ok: false,
      checked: 1,
      firstBroken: { seq: 2, reason: expect.stringContaining('missing') },
    });
  });

  it('shows a tail that was cut off, also after more was appended', async () => {
    const { base, force } = await world();
    await force('DELETE FROM audit_entries WHERE seq >= 4');
    expect((await verify(base)).body).toMatchObject({
      ok: false,
      checked: 3,
      kept: { seq: 5 },
      firstBroken: { seq: 4, reason: expect.stringContaining('5') },
    });
    for (const version of ['3.0.0', '3.0.1', '3.0.2'])
      await publish(base, 'a', await artifactOf({ path: 'a', version }));
    // The chain is whole in itself again, and does not pass through what KV keeps, which nothing has moved.
    expect((await verify(base)).body).toMatchObject({
      ok: false,
      checked: 4,
      kept: { seq: 5 },
      firstBroken: { seq: 5, reason: expect.stringContaining('KV') },
    });
  });

  it('shows that all of it was taken away', async () => {
    const { base, force } = await world();
    await force('DELETE FROM audit_entries');
    expect((await verify(base)).body).toMatchObject({ ok: false, checked: 0, firstBroken: { seq: 1 } });
  });

  it('shows one that was written anew with right hashes', async () => {
    const { base, force, sql } = await world();
    await force('CREATE TEMPORARY TABLE saved AS SELECT * FROM audit_entries ORDER BY seq');
    await force('DELETE FROM audit_entries');
    await sql("UPDATE saved SET actor = 'nobody' WHERE seq = 2");
    // The trigger chains what is inserted.
    await sql('INSERT INTO audit_entries OVERRIDING SYSTEM VALUE SELECT * FROM saved ORDER BY seq');
    expect((await verify(base)).body).toMatchObject({ ok: false, checked: 4, firstBroken: { seq: 5 } });
  });
});

describe('entries', () => {
  it('are never changed or removed by the way', async () => {
    const { base, sql } = await world();
    for (const attempt of [
      "UPDATE audit_entries SET actor = 'nobody'",
      'DELETE FROM audit_entries WHERE seq = 5',
      'TRUNCATE audit_entries',
    ])
      await expect(sql(attempt)).rejects.toThrow('never changed or removed');
    expect((await verify(base)).body).toMatchObject({ ok: true, checked: 5 });
  });

  it('are listed by path, actor, action and time, in pages', async () => {
    const { base } = await world();
    const list = async (query: string) => {
      const { status, body } = await get(base, `/v1/audit?${query}`);
      expect([query, status]).toEqual([query, 200]);
      return body.items.map(({ seq }: { seq: number }) => seq);
    };
    expect(await list('')).toEqual([5, 4, 3, 2, 1]);
    expect(await list('path=a%2Fc')).toEqual([3]);
    expect(await list('action=publish&actor=admin&limit=2')).toEqual([5, 4]);
    expect(await list('action=nothing')).toEqual([]);
    expect(await list('actor=nobody')).toEqual([]);
    const { body } = await get(base, '/v1/audit?path=b');
    const [{ at }] = body.items;
    expect(await list(`until=${at}`)).toEqual([1]);
    expect(await list(`since=${new Date(Date.parse(at) + 1).toISOString()}`)).toEqual([5, 4, 3]);
    const first = (await get(base, '/v1/audit?limit=2')).body;
    expect(await list(`limit=2&cursor=${first.next}`)).toEqual([3, 2]);
    for (const query of ['since=yesterday', 'until=1', 'path=', 'cursor=x', 'limit=0'])
      expect([query, (await get(base, `/v1/audit?${query}`)).status]).toEqual([query, 400]);
  });
});

describe('while NATS is away', () => {
  it('the chain is checked in itself, and says that nothing was kept to compare with', async () => {
    const { base, nats, force } = await world();
    await nats.stop();
    await until(
      () => get(base, '/health/ready'),
      ({ status }) => status === 503,
    );
    expect((await verify(base)).body).toMatchObject({ ok: true, checked: 5, kept: null });
    await force("UPDATE audit_entries SET actor = 'nobody' WHERE seq = 1");
    expect((await verify(base)).body).toMatchObject({ ok: false, checked: 0, firstBroken: { seq: 1 } });
  });
});

describe('entries from before the chain', () => {
  it('are chained as they are, without gaps, and those that follow go on from there', async () => {
    const database = await postgres.createDatabase(`audit_${++databases}`);
    const client = new pg.Client({ connectionString: database });
    await client.connect();
    later(() => client.end());
    // What is hashed must not depend on where a session thinks it is.
    await client.query("SET timezone TO 'Asia/Tokyo'");
    const runner = {
      query: async (text: string, values?: unknown[]) => (await client.query(text, values)).rows,
    };
    const migrate = (migration: MigrationInterface) => migration.up(runner as unknown as QueryRunner);
    await migrate(new Catalogue1763760000000());
    await client.query("INSERT INTO audit_entries (actor, action) VALUES ('admin', 'first')");
    // A number that was lost in a rollback, as sequences lose them.
    await client.query("SELECT nextval(pg_get_serial_sequence('audit_entries', 'seq'))");
    await client.query("INSERT INTO audit_entries (actor, action) VALUES ('admin', 'second')");
    await migrate(new ControlPlane1763900000000());
    await migrate(new AuditChain1763910000000());
    await client.query("INSERT INTO audit_entries (actor, action) VALUES ('admin', 'third')");
    const { rows } = await client.query('SELECT seq::int, action FROM audit_entries ORDER BY seq');
    expect(rows).toEqual([
      { seq: 1, action: 'first' },
      { seq: 2, action: 'second' },
      { seq: 3, action: 'third' },
    ]);
    const manager = {
      query: runner.query,
      transaction: (_level: string, work: (m: unknown) => unknown) => work(manager),
    };
    const read = (after: number) => readChain(manager as unknown as EntityManager, after);
    await client.query("SET timezone TO 'UTC'");
    expect(await checkChain(read, undefined)).toMatchObject({ checked: 3, head: { seq: 3 } });
    await expect(client.query('DELETE FROM audit_entries')).rejects.toThrow('never changed or removed');
  });
});
