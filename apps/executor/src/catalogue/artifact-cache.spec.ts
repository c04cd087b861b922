import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { digestOf } from '#packer/artifact';
import { artifactOf } from '../../../../test/fixtures/artifact.js';
import { ArtifactCache } from './artifact-cache.js';

let store: string;
let cache: ArtifactCache;

beforeEach(async () => {
  store = mkdtempSync(join(tmpdir(), 'mesh-store-'));
  cache = await ArtifactCache.open(pathToFileURL(store).href);
});
afterEach(async () => {
  await cache.close();
  rmSync(store, { recursive: true, force: true });
});

/** Puts an artifact where the registry would, under a digest that may be a lie. */
async function put(artifact: Uint8Array, digest = digestOf(artifact)): Promise<string> {
  await mkdir(join(store, 'sha256'), { recursive: true });
  await writeFile(join(store, 'sha256', `${digest.slice(7)}.tgz`), artifact);
  return digest;
}
const handler = () => artifactOf({ path: 'users/find', version: '1.0.0' }, 'export default () => 1;\n');

describe('the cache of artifacts', () => {
  it('unpacks an artifact once, for this user alone', async () => {
    const digest = await put(await handler());
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
    await put(artifact);
    expect(readdirSync(await cache.folder(digest))).toContain('handler.mjs');
  });

  it('says artifact-corrupt for other bytes, and unpacks none of them', async () => {
    const artifact = await handler();
    const changed = Buffer.from(artifact);
    changed[changed.length - 9] = (changed[changed.length - 9] as number) ^ 1;
    const digest = await put(changed, digestOf(artifact));
    await expect(cache.folder(digest)).rejects.toMatchObject({ code: 'artifact-corrupt' });
  });

  it('never reads outside its store', async () => {
    const digest = `sha256:${'../'.repeat(9)}etc/passwd`;
    await expect(cache.folder(digest)).rejects.toMatchObject({ code: expect.stringMatching(/^artifact-/) });
  });

  it('drops files, and has others for who asks while they are being removed', async () => {
    const digest = await put(await handler());
    const old = await cache.folder(digest);
    const dropping = cache.drop(digest);
    const anew = await cache.folder(digest);
    await dropping;
    expect(() => statSync(old)).toThrow('ENOENT');
    expect(readdirSync(anew).sort()).toEqual(['handler.mjs', 'manifest.json']);
    await cache.drop('sha256:never-seen');
  });

  it('leaves nothing behind', async () => {
    const folder = await cache.folder(await put(await handler()));
    await cache.close();
    expect(() => statSync(folder)).toThrow('ENOENT');
    expect(() => statSync(join(folder, '..'))).toThrow('ENOENT');
  });
});
