import { buffer } from 'node:stream/consumers';
import { gunzipSync, gzipSync } from 'node:zlib';
import { describe, expect, it } from '@jest/globals';
import tar from 'tar-stream';
import { archive } from './archive.js';
import { contentDigestOf, digestOf, unpack } from './artifact.js';

const MANIFEST = JSON.stringify({ path: 'a', version: '1.0.0' });
const WHOLE = { 'manifest.json': MANIFEST, 'handler.mjs': 'export default 1' };
type Header = Parameters<tar.Pack['entry']>[0];

/** An archive of anything, as a hostile packer would make it. */
async function tarOf(entries: readonly [Header, string?][]): Promise<Buffer> {
  const pack = tar.pack();
  for (const [header, text] of entries) pack.entry(header, text ?? '');
  pack.finalize();
  return buffer(pack);
}
const whole = Object.entries(WHOLE).map(([name, text]): [Header, string] => [{ name }, text]);
const artifactOf = async (...more: [Header, string?][]) => gzipSync(await tarOf([...whole, ...more]));
const refused = (reason: string) =>
  expect.objectContaining({ code: 'bad-artifact', detail: expect.stringContaining(reason) });

describe('unpack', () => {
  it('gives back what archive put in', async () => {
    const files = new Map(
      Object.entries(WHOLE).map(([name, text]) => [name, new Uint8Array(Buffer.from(text))]),
    );
    const unpacked = await unpack(await archive(files));
    expect([...unpacked.files]).toEqual([...files].map(([name, bytes]) => [name, Buffer.from(bytes)]));
    expect(unpacked.manifest).toMatchObject({ path: 'a', version: '1.0.0', entry: 'handler.mjs', env: [] });
  });

  it('reads what archive writes: always the same bytes', async () => {
    const archived = await archive(new Map([['handler.mjs', Buffer.from('export default 1')]]));
    expect([...archived.subarray(0, 10)]).toEqual([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 2, 255]);
    // Of the tar: how gzip packs it may change with zlib.
    expect(digestOf(gunzipSync(archived))).toBe(
      'sha256:aeb143dca2c8d6e7bfa63382d1c05d9e243e1790b4de5411710061e149582f04',
    );
  });

  it.each<[string, Header, string]>([
    ['an absolute path', { name: '/etc/passwd' }, 'not a plain file name'],
    ['a path upwards', { name: '../x' }, 'not a plain file name'],
    ['a path upwards and down', { name: 'a/../../x' }, 'not a plain file name'],
    ['two dots', { name: '..' }, 'not a plain file name'],
    ['a path of another system', { name: '..\\x' }, 'not a plain file name'],
    ['a drive', { name: 'C:x' }, 'not a plain file name'],
    ['a file in a hidden folder', { name: 'a/.git/b' }, 'not a plain file name'],
    ['a folder upwards in the middle', { name: 'a/../b' }, 'not a plain file name'],
    ['an empty folder name', { name: 'a//b' }, 'not a plain file name'],
    ['the folder itself', { name: './a' }, 'not a plain file name'],
    ['seventeen folders', { name: `${'a/'.repeat(16)}b` }, 'not a plain file name'],
    ['a file below a file', { name: 'handler.mjs/x' }, 'is a file and a folder'],
    ['a hidden file', { name: '.npmrc' }, 'not a plain file name'],
    ['a control character', { name: 'a\nb' }, 'not a plain file name'],
    ['a long name', { name: 'a'.repeat(300) }, 'not a plain file name'],
    ['a folder', { name: 'a', type: 'directory' }, 'only files'],
    ['a symbolic link', { name: 'a', type: 'symlink', linkname: '/etc/passwd' }, 'only files'],
    ['a hard link', { name: 'a', type: 'link', linkname: 'handler.mjs' }, 'only files'],
    ['a device', { name: 'a', type: 'character-device' }, 'only files'],
    ['a pipe', { name: 'a', type: 'fifo' }, 'only files'],
    ['a name twice', { name: 'handler.mjs' }, 'in it twice'],
  ])('refuses %s', async (_what, header, reason) => {
    await expect(unpack(await artifactOf([header, header.type ? '' : 'x']))).rejects.toEqual(refused(reason));
  });

  it('takes files in folders', async () => {
    const names = ['templates/mail/a-b.html', 'node_modules/@a/b+c/d~1.js', `${'a/'.repeat(15)}b`];
    const { files } = await unpack(
      await artifactOf(...names.map((name): [Header, string] => [{ name }, '<p>'])),
    );
    expect(names.map((name) => Buffer.from(files.get(name) ?? '').toString())).toEqual(['<p>', '<p>', '<p>']);
  });

  it('refuses more files than an artifact has', async () => {
    const many = [...Array(4095)].map((_, index): [Header, string] => [{ name: `f${index}` }, '']);
    await expect(unpack(await artifactOf(...many))).rejects.toEqual(refused('more than 4096 files'));
    await expect(unpack(await artifactOf(...many.slice(1)))).resolves.toBeDefined();
    await expect(unpack(await artifactOf(), { maxFiles: 1 })).rejects.toEqual(refused('more than 1 files'));
  });

  it('refuses a bomb before it has gone off', async () => {
    const bomb = gzipSync(Buffer.alloc(300 * 1024 * 1024));
    expect(bomb.length).toBeLessThan(400 * 1024);
    const before = process.memoryUsage().rss;
    await expect(unpack(bomb)).rejects.toEqual(refused('inflates to more than 134217728 bytes'));
    expect(process.memoryUsage().rss - before).toBeLessThan(256 * 1024 * 1024);
    await expect(unpack(await artifactOf(), { maxBytes: 1000 })).rejects.toEqual(
      refused('more than 1000 bytes'),
    );
  });

  it('refuses a bomb in a manifest', async () => {
    const manifest = MANIFEST.padEnd(300 * 1024);
    await expect(unpack(gzipSync(await tarOf([[{ name: 'manifest.json' }, manifest]])))).rejects.toEqual(
      refused('manifest is larger'),
    );
  });

  it.each<[string, Record<string, string>, string]>([
    ['no manifest', { 'handler.mjs': '' }, 'no manifest.json'],
    ['a manifest that is no JSON', { 'manifest.json': '{' }, 'not JSON'],
    ['a manifest without a path', { 'manifest.json': '{"version":"1.0.0"}' }, 'path:'],
    [
      'a manifest with more than it may have',
      { 'manifest.json': '{"path":"a","version":"1.0.0","x":1}' },
      'faulty',
    ],
    [
      'an entry that leads out',
      { 'manifest.json': '{"path":"a","version":"1.0.0","entry":"../x"}' },
      'plain file name',
    ],
    ['an entry that is not there', { 'manifest.json': MANIFEST }, 'names handler.mjs, which is not in it'],
  ])('refuses %s', async (_what, files, reason) => {
    const entries = Object.entries(files).map(([name, text]): [Header, string] => [{ name }, text]);
    await expect(unpack(gzipSync(await tarOf(entries)))).rejects.toEqual(refused(reason));
  });

  it('refuses what is no archive, or only a part of one', async () => {
    const bytes = await artifactOf([{ name: 'big' }, 'x'.repeat(5000)]);
    await expect(unpack(new Uint8Array(0))).rejects.toEqual(refused('not gzip'));
    await expect(unpack(Buffer.from('PK'))).rejects.toEqual(refused('not gzip'));
    await expect(unpack(bytes.subarray(0, bytes.length - 20))).rejects.toEqual(refused('not gzip'));
    await expect(unpack(gzipSync('x'.repeat(2000)))).rejects.toEqual(refused('not a whole tar'));
    const tarBytes = await tarOf([...whole, [{ name: 'big' }, 'x'.repeat(5000)]]);
    for (const cut of [3000, 4000, tarBytes.length - 3000])
      await expect(unpack(gzipSync(tarBytes.subarray(0, cut)))).rejects.toMatchObject({
        code: 'bad-artifact',
      });
  });

  it('survives any flipped byte with an artifact or a refusal', async () => {
    const bytes = await tarOf(whole);
    for (let at = 0; at < bytes.length; at += 7) {
      const broken = Buffer.from(bytes);
      broken[at] = (broken[at] ?? 0) ^ 0xff;
      const result = await unpack(gzipSync(broken, { level: 0 })).catch((error: unknown) => error);
      expect(result instanceof Error ? (result as { code?: string }).code : 'taken').toMatch(
        /^(bad-artifact|taken)$/,
      );
    }
  });
});

describe('digests', () => {
  it('are those of the bytes', () => {
    expect(digestOf(Buffer.from('abc'))).toBe(
      'sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad',
    );
    expect(contentDigestOf(Buffer.from('abc'))).toBe(
      'sha-256=:ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=:',
    );
  });
});
