import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { gzipSync } from 'node:zlib';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import tar from 'tar-stream';
import {
  type AwsServer,
  type NatsServer,
  type PostgresServer,
  startAws,
  startNats,
  startPostgres,
} from '#servers';
import { awsVariables, putObject } from './fixtures/artifact-stores.js';
import { until } from './fixtures/later.js';
import {
  artifactOf,
  closeAll,
  get,
  publish,
  registry,
  request,
  temporaryFolder,
} from './registry.fixture.js';

/* Artifacts that other pipelines drop into a bucket or a folder, on the way through the one door. */

let postgres: PostgresServer;
let nats: NatsServer;
let aws: AwsServer;
let databases = 0;

beforeAll(async () => {
  [postgres, nats, aws] = await Promise.all([startPostgres(), startNats(), startAws()]);
});
afterEach(closeAll);
afterAll(async () => {
  await Promise.all([postgres.stop(), nats.stop(), aws.stop()]);
});

type Registry = Awaited<ReturnType<typeof registry>>;

async function aRegistry(environment: Record<string, string> = {}): Promise<Registry> {
  const database = await postgres.createDatabase(`import_${++databases}`);
  const running = await registry({ database, nats, environment: { ...awsVariables(aws), ...environment } });
  await running.joined;
  return running;
}

const importFrom = (base: Registry, source: string) =>
  request(`${base.url}/v1/imports`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ source }),
  });

/** Somewhere to drop artifacts, as two kinds of place. */
interface Place {
  readonly source: string;
  drop(name: string, bytes: Uint8Array): Promise<void>;
}

async function bucket(): Promise<Place> {
  const name = `drop-${++databases}`;
  await aws.createBucket(name);
  return {
    source: `s3://${name}/ci/main`,
    drop: (key, bytes) => putObject(aws, `${name}/ci/main/${key}`, bytes),
  };
}

async function folder(): Promise<Place & { path: string }> {
  const path = temporaryFolder();
  const drop = async (name: string, bytes: Uint8Array) => {
    mkdirSync(join(path, name, '..'), { recursive: true });
    // As a careful pipeline does it: hidden until it is whole.
    writeFileSync(join(path, name, '..', '.part'), bytes);
    renameSync(join(path, name, '..', '.part'), join(path, name));
  };
  return { source: pathToFileURL(path).href, path, drop };
}

const PLACES = [
  ['s3', bucket],
  ['file', folder],
] as const;

const auditOf = async (base: Registry) => (await get(base, '/v1/audit')).body.items as { actor: string }[];
const storedIn = (base: Registry) => {
  try {
    return readdirSync(join(base.artifacts, 'sha256'));
  } catch {
    return [];
  }
};

describe.each(PLACES)('an import from %s', (_kind, place) => {
  it('makes versions of what lies there, the newest live, each with its audit entry', async () => {
    const { source, drop } = await place();
    const base = await aRegistry();
    for (const version of ['0.10.0', '0.9.0'])
      await drop(`users/${version}.tgz`, await artifactOf({ path: 'users/find', version }));
    await drop('orders.tgz', await artifactOf({ path: 'orders/total', version: '1.0.0' }));
    await drop('readme.txt', Buffer.from('hello'));

    const answer = await importFrom(base, source);
    expect(answer).toMatchObject({ status: 200, type: 'application/json' });
    expect(answer.body.items).toEqual([
      { key: 'orders.tgz', path: 'orders/total', version: '1.0.0', result: 'created' },
      { key: 'users/0.9.0.tgz', path: 'users/find', version: '0.9.0', result: 'created' },
      { key: 'users/0.10.0.tgz', path: 'users/find', version: '0.10.0', result: 'created' },
    ]);
    const { live } = (await get(base, '/v1/handlers/users%2Ffind')).body;
    expect(live).toMatchObject([{ version: '0.10.0', weight: 100 }]);
    const actors = (await auditOf(base)).map(({ actor }) => actor);
    expect(actors).toEqual(Array(3).fill(`import:${source}`));

    const again = await importFrom(base, source);
    expect(again.body.items.map(({ result }: { result: string }) => result)).toEqual(
      Array(3).fill('unchanged'),
    );
    expect(await auditOf(base)).toHaveLength(3);
  });

  it('refuses what is bad with a reason, takes the rest, and leaves nothing of it behind', async () => {
    const { source, drop } = await place();
    const base = await aRegistry({ MESH_MAX_ARTIFACT_BYTES: '200000' });
    const good = await artifactOf({ path: 'good', version: '1.0.0' });
    await publish(base, 'taken', await artifactOf({ path: 'taken', version: '1.0.0' }));
    const before = storedIn(base);
    const bad = await badArtifacts(good);
    for (const [name, bytes] of bad) await drop(`${name}.tgz`, bytes);
    await drop('wrong-digest.tgz', await artifactOf({ path: 'wrong', version: '1.0.0' }));
    await drop('wrong-digest.tgz.sha256', Buffer.from(`${'0'.repeat(64)}  wrong-digest.tgz\n`));
    await drop('good.tgz', good);
    await drop('good.tgz.sha256', Buffer.from(createHash('sha256').update(good).digest('hex')));

    const { items } = (await importFrom(base, source)).body;
    const reasons = Object.fromEntries(
      items.map(({ key, reason }: { key: string; reason?: string }) => [
        key.replace('.tgz', ''),
        reason ?? 'fine',
      ]),
    );
    expect(reasons).toEqual({
      good: 'fine',
      'changed-byte': expect.stringMatching(/not gzip|not a whole tar/),
      parent: expect.stringContaining('not a plain file name'),
      absolute: expect.stringContaining('not a plain file name'),
      link: expect.stringContaining('only files are taken'),
      bomb: expect.stringContaining('it inflates to more than'),
      large: expect.stringContaining('200000 at most'),
      cut: expect.stringMatching(/not gzip|not a whole tar/),
      text: expect.stringContaining('not gzip'),
      'bad-path': expect.stringContaining('its manifest is faulty: path'),
      'no-manifest': expect.stringContaining('it has no manifest.json'),
      'not-offered': expect.stringContaining('does not offer SECRET'),
      conflict: expect.stringContaining('a version never changes'),
      'wrong-digest': expect.stringContaining('beside it stands sha256:000'),
    });
    expect((await get(base, '/v1/handlers')).body.items.map(({ path }: { path: string }) => path)).toEqual([
      'good',
      'taken',
    ]);
    expect(storedIn(base).filter((name) => !before.includes(name))).toEqual([nameIn(good)]);
  });
});

const nameIn = (bytes: Uint8Array) => `${createHash('sha256').update(bytes).digest('hex')}.tgz`;

async function badArtifacts(good: Buffer): Promise<[string, Buffer][]> {
  const changed = Buffer.from(good);
  changed[changed.length - 6] = (changed[changed.length - 6] as number) ^ 1;
  const manifest = JSON.stringify({ path: 'bad', version: '1.0.0' });
  const withEntry = (header: { name: string; type?: 'symlink'; linkname?: string }, content = 'x') =>
    archive([
      [{ name: 'manifest.json' }, manifest],
      [header, content],
    ]);
  return [
    ['changed-byte', changed],
    ['parent', await withEntry({ name: '../escaped.mjs' })],
    ['absolute', await withEntry({ name: '/tmp/escaped.mjs' })],
    ['link', await withEntry({ name: 'handler.mjs', type: 'symlink', linkname: '/etc/passwd' }, '')],
    ['bomb', gzipSync(Buffer.alloc(129 * 1024 * 1024))],
    ['large', Buffer.alloc(200_001)],
    ['cut', good.subarray(0, good.length / 2)],
    ['text', Buffer.from('not an artifact')],
    ['bad-path', await artifactOf({ path: '../users', version: '1.0.0' })],
    ['no-manifest', await archive([[{ name: 'handler.mjs' }, 'x']])],
    ['not-offered', await artifactOf({ path: 'bad', version: '1.0.0', env: ['SECRET'] })],
    ['conflict', await artifactOf({ path: 'taken', version: '1.0.0' }, 'export default () => 2;')],
  ];
}

async function archive(
  entries: [{ name: string; type?: 'symlink'; linkname?: string }, string][],
): Promise<Buffer> {
  const pack = tar.pack();
  for (const [header, content] of entries) pack.entry(header, content);
  pack.finalize();
  const chunks: Buffer[] = [];
  for await (const chunk of pack) chunks.push(chunk as Buffer);
  return gzipSync(Buffer.concat(chunks));
}

describe('the API of imports', () => {
  it.each([
    [{}, 'source'],
    [{ source: '' }, 'source'],
    [{ source: 'https://example.org' }, 's3://bucket/prefix'],
    [{ source: 'nats://mesh_artifacts' }, 's3://bucket/prefix'],
    [{ source: 'file://host/dir' }, 'three slashes'],
    [{ source: 's3://bucket', more: 1 }, 'more'],
  ])('refuses %j', async (body, reason) => {
    const base = await aRegistry();
    const answer = await request(`${base.url}/v1/imports`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    expect(answer).toMatchObject({
      status: 400,
      type: 'application/problem+json',
      body: { code: 'bad-request' },
    });
    expect(answer.body.detail).toContain(reason);
  });

  it('says what S3 says of a bucket that is not there', async () => {
    const base = await aRegistry();
    const answer = await importFrom(base, 's3://no-such-bucket');
    expect(answer).toMatchObject({ status: 503, body: { code: 'store-unavailable' } });
    expect(answer.body.detail).toContain('NoSuchBucket');
  });

  it('wants an admin', async () => {
    const base = await aRegistry();
    const made = await request(`${base.url}/v1/tokens`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ name: 'ci', role: 'publisher' }),
    });
    const answer = await request(`${base.url}/v1/imports`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${made.body.token}` },
      body: JSON.stringify({ source: 'file:///' }),
    });
    expect(answer.status).toBe(403);
  });
});

describe.each(PLACES)('a watched %s', (_kind, place) => {
  it('becomes versions while the registry runs, and again after it was mended', async () => {
    const { source, drop } = await place();
    await drop('a.tgz', await artifactOf({ path: 'a', version: '1.0.0' }));
    const base = await aRegistry({ MESH_IMPORT_SOURCES: source, MESH_IMPORT_SECONDS: '1' });
    const paths = async () =>
      ((await get(base, '/v1/handlers')).body.items as { path: string }[]).map(({ path }) => path).join();
    await until(paths, (seen) => seen === 'a');
    const whole = await artifactOf({ path: 'b', version: '1.0.0' });
    await drop('b.tgz', whole.subarray(0, 100));
    await drop('c.tgz', await artifactOf({ path: 'c', version: '1.0.0' }));
    await until(paths, (seen) => seen === 'a,c');
    await drop('b.tgz', whole);
    await until(paths, (seen) => seen === 'a,b,c');
    const audit = await auditOf(base);
    expect(audit.map(({ actor }) => actor)).toEqual(Array(3).fill(`import:${source}`));
  });
});

describe('a watched folder', () => {
  it('is shared by two registries, which publish each artifact once', async () => {
    const { source, path, drop } = await folder();
    const database = await postgres.createDatabase(`import_${++databases}`);
    const environment = { MESH_IMPORT_SOURCES: source, MESH_IMPORT_SECONDS: '1' };
    const artifacts = { MESH_ARTIFACTS_URL: pathToFileURL(temporaryFolder()).href };
    const [one, two] = await Promise.all(
      [0, 1].map(() => registry({ database, nats, environment: { ...environment, ...artifacts } })),
    );
    await Promise.all([one?.joined, two?.joined]);
    for (let n = 0; n < 10; n++)
      await drop(`${n}.tgz`, await artifactOf({ path: `h${n}`, version: '1.0.0' }));
    const count = async () => ((await get(one as Registry, '/v1/handlers')).body.items as unknown[]).length;
    await until(count, (n) => n === 10);
    rmSync(path, { recursive: true });
    await Promise.all([one?.stop(), two?.stop()]);
    const last = await registry({ database, nats, environment: artifacts });
    expect(await auditOf(last)).toHaveLength(10);
  });

  it('that cannot be one stops the start, by its variable', async () => {
    await expect(aRegistry({ MESH_IMPORT_SOURCES: 's3://drop,ftp://b' })).rejects.toThrow(
      /MESH_IMPORT_SOURCES.*ftp:\/\/b: not one of s3:\/\//,
    );
  });
});
