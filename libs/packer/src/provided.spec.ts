import { chmod, mkdir, mkdtemp, realpath, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { archive } from './archive.js';
import { type PackError, pack, unpack, writeFiles } from './index.js';

/* Folders of handlers in other languages, packed as they are. */

const MANIFEST = { path: 'a/b', version: '1.0.0', runtime: 'provided' };

let root: string;
let made = 0;
beforeAll(async () => {
  root = await realpath(await mkdtemp(join(tmpdir(), 'mesh-provided-spec-')));
});
afterAll(() => rm(root, { recursive: true, force: true }));

async function folder(files: Record<string, string>, manifest: object = MANIFEST, mode = 0o755) {
  const place = join(root, `f${++made}`);
  const all = { 'mesh.json': JSON.stringify(manifest), bootstrap: '#!/bin/sh\n', ...files };
  for (const [name, text] of Object.entries(all)) {
    await mkdir(dirname(join(place, name)), { recursive: true });
    await writeFile(join(place, name), text);
  }
  await chmod(join(place, 'bootstrap'), mode);
  return place;
}

const namesOf = async (place: string) => [...(await unpack((await pack(place)).artifact)).files.keys()];
const refusal = async (packing: Promise<unknown>): Promise<string> =>
  packing.then(
    () => 'packed',
    (error: PackError) => error.code,
  );

describe('a folder with a bootstrap', () => {
  it('is packed as it is, without what describes it, what is hidden and what npm installed', async () => {
    const place = await folder({
      'lib/a.rb': '',
      'handler.py': '',
      '.env': 'SECRET=1',
      'lib/.hidden': '',
      'node_modules/a/index.js': '',
      'package.json': '{}',
    });
    expect(await namesOf(place)).toEqual(['manifest.json', 'bootstrap', 'handler.py', 'lib/a.rb']);
    const { manifest, digest, inputs } = await pack(place);
    expect(manifest).toMatchObject({ ...MANIFEST, entry: 'bootstrap' });
    expect(inputs).toContain(join(place, 'lib/a.rb'));
    expect((await pack(await folder({ 'lib/a.rb': '', 'handler.py': '' }))).digest).toBe(digest);
  });

  it('is packed with what "assets" names, where it does', async () => {
    const place = await folder({ 'a.sh': '', 'b.md': '' }, { ...MANIFEST, assets: ['*.sh'] });
    expect(await namesOf(place)).toEqual(['manifest.json', 'bootstrap', 'a.sh']);
  });

  it('may state itself in package.json, too', async () => {
    const place = await folder({
      'package.json': JSON.stringify({ version: '2.0.0', mesh: { path: 'c', runtime: 'provided' } }),
    });
    await rm(join(place, 'mesh.json'));
    expect((await pack(place)).manifest).toMatchObject({ path: 'c', version: '2.0.0', runtime: 'provided' });
  });

  it.each<[string, () => Promise<string>, string]>([
    ['a bootstrap that may not be run', () => folder({}, MANIFEST, 0o644), 'no-bootstrap'],
    ['no path', () => folder({}, { version: '1.0.0', runtime: 'provided' }), 'no-path'],
    ['no version', () => folder({}, { path: 'a', runtime: 'provided' }), 'no-version'],
    ['what no manifest has', () => folder({}, { ...MANIFEST, colour: 'red' }), 'bad-manifest'],
    ['no JSON', () => folder({ 'mesh.json': '{' }), 'bad-package-json'],
    ['a name that no artifact holds', () => folder({ 'a b': '' }), 'bad-asset'],
    ['a manifest of its own', () => folder({ 'manifest.json': '{}' }), 'bad-asset'],
  ])('is refused for %s', async (_what, make, code) => {
    expect(await refusal(pack(await make()))).toBe(code);
  });

  it('is refused for a link that leads out of it, and takes one that does not', async () => {
    const inside = await folder({ 'a.py': 'x' });
    await symlink('a.py', join(inside, 'b.py'));
    expect(await namesOf(inside)).toContain('b.py');
    const outside = await folder({});
    await symlink('/etc/passwd', join(outside, 'passwd'));
    expect(await refusal(pack(outside))).toBe('bad-asset');
  });
});

describe('unpacking it', () => {
  it('makes executable what was, for its user alone', async () => {
    const packed = await folder({ 'other.sh': '#!/bin/sh', 'bin/app': '#!/bin/sh' });
    const plain = await pack(packed);
    await chmod(join(packed, 'bin/app'), 0o4755);
    const { artifact, digest } = await pack(packed);
    expect(digest).not.toBe(plain.digest);
    const { files, executables } = await unpack(artifact);
    const place = join(root, 'unpacked');
    await writeFiles(place, files, executables);
    const modeOf = async (name: string) => (await stat(join(place, name))).mode & 0o7777;
    expect([await modeOf('bootstrap'), await modeOf('bin/app'), await modeOf('other.sh')]).toEqual([
      0o700, 0o700, 0o600,
    ]);
  });

  it('makes nothing of a handler for Node executable, and bootstrap whatever the archive says', async () => {
    const archived = async (manifest: object, entry: string, executables: string[]) =>
      unpack(
        await archive(
          new Map([
            ['manifest.json', Buffer.from(JSON.stringify({ ...MANIFEST, ...manifest }))],
            [entry, Buffer.from('')],
          ]),
          new Set(executables),
        ),
      );
    expect((await archived({ runtime: 'node' }, 'handler.mjs', ['handler.mjs'])).executables.size).toBe(0);
    expect([...(await archived({ entry: 'bootstrap' }, 'bootstrap', [])).executables]).toEqual(['bootstrap']);
  });

  it('refuses one that starts something else, or has nothing to start', async () => {
    const artifactOf = (entry: string, file: string) =>
      archive(
        new Map([
          ['manifest.json', Buffer.from(JSON.stringify({ ...MANIFEST, entry }))],
          [file, Buffer.from('')],
        ]),
      );
    for (const artifact of [artifactOf('other', 'other'), artifactOf('bootstrap', 'x')])
      await expect(unpack(await artifact)).rejects.toMatchObject({ code: 'bad-artifact' });
  });
});
