import { chmodSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { digestOf } from '#packer/artifact';
import { DiskCache } from './disk-cache.js';

let folder: string;
let live: Set<string>;
let said: string[];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'mesh-cache-'));
  live = new Set();
  said = [];
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const open = (maxBytes = 100, where = folder) =>
  DiskCache.open({
    folder: where,
    maxBytes,
    isLive: (digest) => live.has(digest),
    log: { info: () => undefined, warn: (text) => void said.push(text), error: () => undefined },
  });

/** Ten bytes that are no others. */
const bytesOf = (n: number) => Buffer.from(String(n).padStart(10, '0'));
const digest = (n: number) => digestOf(bytesOf(n));
const onDisk = () => readdirSync(join(folder, 'sha256')).length;
const held = (cache: DiskCache, upTo: number) =>
  Array.from({ length: upTo }, (_, n) => n).filter((n) => cache.has(digest(n)));

describe('the cache on the disk', () => {
  it('gives back what was put, also to the next who opens it', async () => {
    const cache = await open();
    expect(await cache.put(digest(1), bytesOf(1), false)).toBe(true);
    for (const one of [cache, await open()]) {
      expect(await one.get(digest(1))).toEqual(bytesOf(1));
      expect(one.bytes).toBe(10);
    }
    expect(await cache.get(digest(2))).toBeUndefined();
  });

  it('stays within its bytes: what was not used for longest goes first', async () => {
    const cache = await open(30);
    for (const n of [0, 1, 2]) await cache.put(digest(n), bytesOf(n), true);
    await cache.get(digest(0));
    await cache.put(digest(3), bytesOf(3), true);
    expect(held(cache, 4)).toEqual([0, 2, 3]);
    expect([cache.bytes, onDisk()]).toEqual([30, 3]);
  });

  it('lets go of what no route names before what one does', async () => {
    const cache = await open(30);
    live = new Set([digest(0), digest(1)]);
    for (const n of [0, 1, 2]) await cache.put(digest(n), bytesOf(n), true);
    await cache.put(digest(3), bytesOf(3), true);
    expect(held(cache, 4)).toEqual([0, 1, 3]);
  });

  it('of live ones makes room for a call only, not ahead of need', async () => {
    const cache = await open(20);
    live = new Set([0, 1, 2].map(digest));
    for (const n of [0, 1]) await cache.put(digest(n), bytesOf(n), false);
    expect(await cache.put(digest(2), bytesOf(2), false)).toBe(false);
    expect(held(cache, 3)).toEqual([0, 1]);
    expect(await cache.put(digest(2), bytesOf(2), true)).toBe(true);
    expect(held(cache, 3)).toEqual([1, 2]);
  });

  it('keeps nothing that is larger than all of it, and removes nothing for that', async () => {
    const cache = await open(15);
    await cache.put(digest(0), bytesOf(0), true);
    const large = Buffer.alloc(16);
    expect(await cache.put(digestOf(large), large, true)).toBe(false);
    expect(held(cache, 1)).toEqual([0]);
  });

  it('does not go over its bytes when many are put at once', async () => {
    const cache = await open(50);
    await Promise.all(Array.from({ length: 20 }, (_, n) => cache.put(digest(n), bytesOf(n), true)));
    expect(cache.bytes).toBeLessThanOrEqual(50);
    expect(held(cache, 20).length).toBe(5);
    expect(onDisk()).toBe(5);
  });

  it('removes what has other bytes than its digest says', async () => {
    const cache = await open();
    await cache.put(digest(1), bytesOf(1), true);
    writeFileSync(join(folder, 'sha256', `${digest(1).slice(7)}.tgz`), 'other');
    expect(await cache.get(digest(1))).toBeUndefined();
    expect([cache.has(digest(1)), cache.bytes, onDisk()]).toEqual([false, 0, 0]);
  });

  it('notices what was removed behind its back', async () => {
    const cache = await open();
    await cache.put(digest(1), bytesOf(1), true);
    rmSync(join(folder, 'sha256'), { recursive: true });
    expect(await cache.get(digest(1))).toBeUndefined();
    expect([cache.has(digest(1)), cache.bytes]).toEqual([false, 0]);
  });

  it('is empty, and says so once with the remedy, where its folder cannot be one', async () => {
    const file = join(folder, 'file');
    writeFileSync(file, '');
    const cache = await open(100, join(file, 'below'));
    for (const n of [0, 1]) expect(await cache.put(digest(n), bytesOf(n), true)).toBe(false);
    expect(await cache.get(digest(0))).toBeUndefined();
    expect(cache.bytes).toBe(0);
    expect(said).toEqual([expect.stringContaining('Remedy: set MESH_CACHE_DIR')]);
  });

  it('makes its folder for this user alone', async () => {
    chmodSync(folder, 0o755);
    await open(100, join(folder, 'new'));
    expect(statSync(join(folder, 'new')).mode & 0o777).toBe(0o700);
  });
});
