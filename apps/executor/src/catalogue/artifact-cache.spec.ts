import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { ArtifactStore, type Blobs, FileBlobs } from '#artifacts';
import { MeshError } from '#contracts';
import { digestOf } from '#packer/artifact';
import { artifactOf } from '../../../../test/fixtures/artifact.js';
import { ArtifactCache } from './artifact-cache.js';
import { DiskCache } from './disk-cache.js';

const log = { info: () => undefined, warn: () => undefined, error: () => undefined };

let root: string;
let cache: ArtifactCache;
let isAway: boolean;

beforeEach(async () => {
  root = mkdtempSync(join(tmpdir(), 'mesh-store-'));
  isAway = false;
  cache = await anExecutor();
});
afterEach(async () => {
  await cache.close();
  rmSync(root, { recursive: true, force: true });
});

/** A store in a folder, which can be away. */
function theStore(): ArtifactStore {
  const files = new FileBlobs(join(root, 'store'));
  const get: Blobs['get'] = async (name) => {
    if (isAway) throw new MeshError('store-unavailable');
    return files.get(name);
  };
  return new ArtifactStore(Object.assign(Object.create(files) as Blobs, { get, close: () => undefined }));
}

async function anExecutor(maxBytes = 1_000_000): Promise<ArtifactCache> {
  const folder = join(root, 'cache');
  const disk = await DiskCache.open({ folder, maxBytes, isLive: () => true, log });
  return ArtifactCache.open(theStore(), disk);
}

const fileIn = (place: 'store' | 'cache', digest: string) =>
  join(root, place, 'sha256', `${digest.slice(7)}.tgz`);

/** Puts an artifact where the registry would, under a digest that may be a lie. */
function put(artifact: Uint8Array, digest = digestOf(artifact)): string {
  mkdirSync(join(root, 'store', 'sha256'), { recursive: true });
  writeFileSync(fileIn('store', digest), artifact);
  return digest;
}
const handler = () => artifactOf({ path: 'users/find', version: '1.0.0' }, 'export default () => 1;\n');

function changeByteIn(file: string): void {
  const bytes = readFileSync(file);
  bytes[bytes.length - 9] = (bytes.at(-9) as number) ^ 1;
  writeFileSync(file, bytes);
}

describe('the cache of artifacts', () => {
  it('unpacks an artifact once, for this user alone', async () => {
    const digest = put(await handler());
    const [folder, again] = await Promise.all([cache.folder(digest), cache.folder(digest)]);
    expect(again).toBe(folder);
    expect(readdirSync(folder).sort()).toEqual(['handler.mjs', 'manifest.json']);
    expect(readFileSync(join(folder, 'handler.mjs'), 'utf8')).toBe('export default () => 1;\n');
    expect(statSync(folder).mode & 0o777).toBe(0o700);
  });

  it('says artifact-missing, and looks again the next time', async () => {
    const artifact = await handler();
    const digest = digestOf(artifact);
    await expect(cache.folder(digest)).rejects.toMatchObject({ code: 'artifact-missing' });
    put(artifact);
    expect(readdirSync(await cache.folder(digest))).toContain('handler.mjs');
  });

  it('says artifact-missing while the store is away, with the reason for the log alone', async () => {
    const digest = put(await handler());
    isAway = true;
    await expect(cache.folder(digest)).rejects.toMatchObject({
      code: 'artifact-missing',
      cause: { code: 'store-unavailable' },
    });
    isAway = false;
    await cache.folder(digest);
  });

  it('says artifact-corrupt for other bytes in the store, and neither unpacks nor keeps any of them', async () => {
    const digest = put(await handler());
    changeByteIn(fileIn('store', digest));
    await expect(cache.folder(digest)).rejects.toMatchObject({ code: 'artifact-corrupt' });
    await expect(cache.prefetch(digest)).rejects.toMatchObject({ code: 'artifact-corrupt' });
    expect(() => statSync(fileIn('cache', digest))).toThrow('ENOENT');
  });

  it('never reads outside its store', async () => {
    const digest = `sha256:${'../'.repeat(9)}etc/passwd`;
    await expect(cache.folder(digest)).rejects.toMatchObject({ code: expect.stringMatching(/^artifact-/) });
  });

  it('drops files, and has others for who asks while they are being removed', async () => {
    const digest = put(await handler());
    const old = await cache.folder(digest);
    const dropping = cache.drop(digest);
    const anew = await cache.folder(digest);
    await dropping;
    expect(() => statSync(old)).toThrow('ENOENT');
    expect(readdirSync(anew).sort()).toEqual(['handler.mjs', 'manifest.json']);
    await cache.drop('sha256:never-seen');
  });

  it('leaves nothing unpacked behind', async () => {
    const folder = await cache.folder(put(await handler()));
    await cache.close();
    expect(() => statSync(folder)).toThrow('ENOENT');
    expect(() => statSync(join(folder, '..'))).toThrow('ENOENT');
  });
});

describe('an artifact on the disk', () => {
  it.each(['used', 'fetched before it was needed'])(
    'that was %s is there while the store is away',
    async (how) => {
      const digest = put(await handler());
      await (how === 'used' ? cache.folder(digest) : cache.prefetch(digest));
      isAway = true;
      const restarted = await anExecutor();
      const folder = await restarted.folder(digest);
      expect(readFileSync(join(folder, 'handler.mjs'), 'utf8')).toBe('export default () => 1;\n');
      await restarted.close();
    },
  );

  it('in which a byte was changed is fetched again, and is missing while it cannot be', async () => {
    const artifact = await handler();
    const digest = put(artifact);
    await cache.prefetch(digest);
    changeByteIn(fileIn('cache', digest));
    isAway = true;
    await expect(cache.folder(digest)).rejects.toMatchObject({ code: 'artifact-missing' });
    isAway = false;
    const folder = await cache.folder(digest);
    expect(readFileSync(join(folder, 'handler.mjs'), 'utf8')).toBe('export default () => 1;\n');
    expect(readFileSync(fileIn('cache', digest)).equals(artifact)).toBe(true);
  });

  it.each([
    ['changed', (file: string) => writeFileSync(file, 'export default () => 2;\n')],
    ['removed', (file: string) => rmSync(file)],
  ])('whose unpacked file was %s is unpacked again for who loads it next', async (_how, harm) => {
    const digest = put(await handler());
    const first = await cache.folder(digest);
    harm(join(first, 'handler.mjs'));
    isAway = true;
    const [second, other] = await Promise.all([cache.folder(digest), cache.folder(digest)]);
    expect(other).toBe(second);
    expect(readFileSync(join(second, 'handler.mjs'), 'utf8')).toBe('export default () => 1;\n');
    expect(() => statSync(first)).toThrow('ENOENT');
  });
});

describe('folders of killed executors', () => {
  const folderOf = (mark: string) => {
    const folder = join(tmpdir(), `lambda-mesh-executor-${mark}-AbCdEf`);
    mkdirSync(join(folder, 'sha256-x-0'), { recursive: true });
    return folder;
  };
  const host = hostname().replace(/[^A-Za-z0-9.]/g, '_');
  const isThere = (folder: string) => readdirSync(tmpdir()).includes(folder.slice(tmpdir().length + 1));

  it('are removed by the next one, and others are not', async () => {
    const ownRoot = join(await cache.folder(put(await handler())), '..');
    // No process has this number: Linux counts to 4,194,304.
    const dead = folderOf(`${host}-4999999-123`);
    // The number was given to another process since.
    const reused = folderOf(`${host}-${process.pid}-1`);
    const elsewhere = folderOf('other.host-4999999-123');
    const next = await anExecutor();
    expect([dead, reused, elsewhere, ownRoot].map(isThere)).toEqual([false, false, true, true]);
    rmSync(elsewhere, { recursive: true });
    await next.close();
  });
});
