import { once } from 'node:events';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from '@jest/globals';
import { Client } from 'pg';
import { type PostgresOptions, type PostgresServer, startPostgres } from '#servers';

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

async function postgres(options?: PostgresOptions): Promise<PostgresServer> {
  const server = await startPostgres(options);
  closers.push(() => server.stop());
  return server;
}

function temporaryFolder(mode = 0o711): string {
  const folder = mkdtempSync(join(tmpdir(), 'mesh-test-'));
  chmodSync(folder, mode);
  closers.push(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

async function query(url: string, text: string): Promise<Record<string, unknown>[]> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query(text)).rows;
  } finally {
    await client.end();
  }
}

describe('Postgres', () => {
  it('takes connections when started, with the password alone, and makes a database once', async () => {
    const server = await postgres();
    const url = await server.createDatabase('mesh');
    expect(await server.createDatabase('mesh')).toBe(url);
    await query(url, 'CREATE TABLE users (id int)');
    expect(await query(url, 'SELECT count(*)::int AS n FROM users')).toEqual([{ n: 0 }]);
    await expect(query(url.replace(/:[^:@]+@/, ':wrong@'), 'SELECT 1')).rejects.toThrow(
      'password authentication failed',
    );
  });

  it('makes one database when asked twice at once', async () => {
    const server = await postgres();
    const urls = await Promise.all([server.createDatabase('twin'), server.createDatabase('twin')]);
    expect(await query(urls[0], 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
  });

  it('keeps its data, also when killed, and starts again without making a cluster', async () => {
    const dataDir = join(temporaryFolder(), 'postgres');
    const first = await postgres({ dataDir });
    await query(first.url, 'CREATE TABLE kept AS SELECT 7 AS id');
    process.kill(first.pid, 'SIGKILL');
    await first.exited;
    const second = await postgres({ dataDir });
    expect(await query(second.url, 'SELECT id FROM kept')).toEqual([{ id: 7 }]);
    await second.stop();
    const steps: string[] = [];
    const third = await postgres({ dataDir, onProgress: (step) => steps.push(step) });
    expect(steps).toEqual([]);
    expect(await query(third.url, 'SELECT id FROM kept')).toEqual([{ id: 7 }]);
  });

  it('starts although another program has the pid in a lock that was left behind', async () => {
    const dataDir = join(temporaryFolder(), 'postgres');
    const first = await postgres({ dataDir });
    await first.stop();
    // This test's own process: alive, and no postmaster.
    writeFileSync(
      join(dataDir, 'data/postmaster.pid'),
      `${process.pid}\n${dataDir}/data\n1\n5432\n\n127.0.0.1\n`,
    );
    const second = await postgres({ dataDir });
    expect(await query(second.url, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
  });

  it('makes the cluster anew when the first start was killed half-way', async () => {
    const dataDir = join(temporaryFolder(), 'postgres');
    const unfinished = join(dataDir, 'new-1');
    mkdirSync(unfinished, { recursive: true });
    writeFileSync(join(unfinished, 'PG_VERSION'), '18\n');
    const steps: string[] = [];
    const server = await postgres({ dataDir, onProgress: (step) => steps.push(step) });
    expect(steps).toContain('making the database cluster');
    expect(await query(server.url, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
    expect(() => statSync(unfinished)).toThrow('ENOENT');
  });

  it('runs below a folder that only its owner may enter', async () => {
    const dataDir = join(temporaryFolder(0o700), 'postgres');
    const first = await postgres({ dataDir });
    await query(first.url, 'CREATE TABLE kept AS SELECT 7 AS id');
    await first.stop();
    const second = await postgres({ dataDir });
    expect(await query(second.url, 'SELECT id FROM kept')).toEqual([{ id: 7 }]);
    await second.stop();
    // Removed and made anew, the folder is empty, wherever its data was kept.
    rmSync(dataDir, { recursive: true });
    const third = await postgres({ dataDir });
    await expect(query(third.url, 'SELECT id FROM kept')).rejects.toThrow('does not exist');
  });

  it('shows what Postgres says when it cannot start', async () => {
    const dataDir = join(temporaryFolder(), 'postgres');
    await (await postgres({ dataDir })).stop();
    writeFileSync(join(dataDir, 'data/PG_VERSION'), '9.6\n');
    await expect(startPostgres({ dataDir })).rejects.toThrow('initialized by PostgreSQL version 9.6');
  });

  it('says what to do when the password is lost', async () => {
    const dataDir = join(temporaryFolder(), 'postgres');
    await (await postgres({ dataDir })).stop();
    rmSync(join(dataDir, 'password'));
    await expect(startPostgres({ dataDir })).rejects.toThrow(/password is missing.* Remedy: /);
  });

  it('keeps its password from other users', async () => {
    const dataDir = join(temporaryFolder(), 'postgres');
    const server = await postgres({ dataDir });
    expect(statSync(join(dataDir, 'password')).mode & 0o777).toBe(0o600);
    expect(server.url).toContain(readFileSync(join(dataDir, 'password'), 'utf8'));
  });

  it('refuses a folder in which another one runs', async () => {
    const dataDir = join(temporaryFolder(), 'postgres');
    await postgres({ dataDir });
    await expect(startPostgres({ dataDir })).rejects.toThrow(`process ${process.pid} runs postgres in it`);
  });

  it('names the port that is taken and the variable to change', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    await once(other, 'listening');
    closers.push(() => other.close());
    const { port } = other.address() as { port: number };
    await expect(startPostgres({ port, portVariable: 'MESH_DATABASE_PORT' })).rejects.toThrow(
      new RegExp(`Port ${port} .* set MESH_DATABASE_PORT to a free port`),
    );
  });
});
