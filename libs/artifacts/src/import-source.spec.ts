import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { FileBlobs } from './file-blobs.js';
import { ImportSource } from './import-source.js';

let folder: string;
let source: ImportSource;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'mesh-import-'));
  source = new ImportSource('file:///x', new FileBlobs(folder));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function write(name: string, content = 'x'): void {
  mkdirSync(dirname(join(folder, name)), { recursive: true });
  writeFileSync(join(folder, name), content);
}
const tagOf = async (name: string) => (await source.list()).find((blob) => blob.name === name)?.tag;
const HEX = 'ab'.repeat(32);

describe('a place to import from', () => {
  it('shows artifacts in it and below, and nothing else', async () => {
    for (const name of [
      'a.tgz',
      'users/find/1.0.0.tgz',
      'a.tgz.sha256',
      'notes.txt',
      '.part.tgz',
      '.git/b.tgz',
      'tgz',
    ])
      write(name);
    symlinkSync('/etc/passwd', join(folder, 'link.tgz'));
    symlinkSync('/etc', join(folder, 'etc'));
    mkdirSync(join(folder, 'folder.tgz'));
    expect((await source.list()).map(({ name }) => name).sort()).toEqual(['a.tgz', 'users/find/1.0.0.tgz']);
  });

  it('is empty where there is no folder yet', async () => {
    rmSync(folder, { recursive: true });
    expect(await source.list()).toEqual([]);
  });

  it('gives the same tag until an artifact, or the checksum beside it, is written again', async () => {
    write('a.tgz');
    const first = await tagOf('a.tgz');
    expect(await tagOf('a.tgz')).toBe(first);
    write('b.tgz.sha256');
    expect(await tagOf('a.tgz')).toBe(first);
    write('a.tgz.sha256');
    const second = await tagOf('a.tgz');
    expect(second).not.toBe(first);
    rmSync(join(folder, 'a.tgz'));
    write('a.tgz');
    expect([first, second]).not.toContain(await tagOf('a.tgz'));
  });

  it.each([
    [`${HEX}  a.tgz\n`, `sha256:${HEX}`],
    [`${HEX.toUpperCase()} *a.tgz\n`, `sha256:${HEX}`],
    [`\\${HEX}  a\\nb.tgz\n`, `sha256:${HEX}`],
    [HEX, `sha256:${HEX}`],
    [`${HEX}0`, ''],
    ['', ''],
    ['d41d8cd98f00b204e9800998ecf8427e  a.tgz', ''],
  ])('reads the checksum %j as %j', async (content, digest) => {
    write('a.tgz.sha256', content);
    expect(await source.statedDigest('a.tgz')).toBe(digest);
  });

  it('knows when there is no checksum', async () => {
    expect(await source.statedDigest('a.tgz')).toBeUndefined();
  });
});
