import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { FileBlobs, ImportSource } from '#artifacts';
import { MeshError } from '#contracts';
import { digestOf } from '#packer/artifact';
import { artifactOf } from '../../../../test/fixtures/artifact.js';
import { ImportWatch } from './import-watch.js';
import { type ImportItem, importArtifacts, type Publish } from './importer.js';

let folder: string;
let source: ImportSource;
let published: string[];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'mesh-import-'));
  source = new ImportSource('file:///drop', new FileBlobs(folder));
  published = [];
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const drop = (name: string, bytes: Uint8Array | string) => writeFileSync(join(folder, name), bytes);
async function dropVersion(name: string, path: string, version: string): Promise<Buffer> {
  const artifact = await artifactOf({ path, version }, 'export default () => 1;');
  drop(name, artifact);
  return artifact;
}
const door: Publish = async (path, artifact) => {
  const name = `${path} ${digestOf(artifact)}`;
  if (published.includes(name)) return false;
  published.push(name);
  return true;
};

async function run(publish = door, maxBytes = 100_000): Promise<ImportItem[]> {
  const items: ImportItem[] = [];
  for await (const item of importArtifacts(source, await source.list(), publish, maxBytes)) items.push(item);
  return items;
}

describe('an import', () => {
  it('publishes what is new, in the order of versions, whatever the files are called', async () => {
    await dropVersion('a.tgz', 'users/find', '0.10.0');
    await dropVersion('b.tgz', 'users/find', '0.9.0');
    await dropVersion('c.tgz', 'users/find', '0.10.0-rc.1');
    await dropVersion('d.tgz', 'a', '1.0.0');
    const created = (key: string, path: string, version: string) => ({
      key,
      path,
      version,
      result: 'created',
    });
    expect(await run()).toEqual([
      created('d.tgz', 'a', '1.0.0'),
      created('b.tgz', 'users/find', '0.9.0'),
      created('c.tgz', 'users/find', '0.10.0-rc.1'),
      created('a.tgz', 'users/find', '0.10.0'),
    ]);
    expect((await run()).map(({ result }) => result)).toEqual(Array(4).fill('unchanged'));
  });

  it('refuses one with its reason and takes the others', async () => {
    drop('bad.tgz', 'not gzip at all');
    await dropVersion('good.tgz', 'a', '1.0.0');
    const conflict: Publish = async () => {
      throw new MeshError('conflict', 'a@1.0.0 was published with another digest.');
    };
    expect(await run(conflict)).toEqual([
      { key: 'bad.tgz', result: 'refused', reason: expect.stringContaining('it is not gzip') },
      {
        key: 'good.tgz',
        path: 'a',
        version: '1.0.0',
        result: 'refused',
        reason: expect.stringContaining('another digest'),
      },
    ]);
  });

  it('refuses what is too large without reading it', async () => {
    drop('large.tgz', Buffer.alloc(2_000));
    expect(await run(door, 1_999)).toEqual([
      { key: 'large.tgz', result: 'refused', reason: expect.stringContaining('2000 bytes, 1999 at most') },
    ]);
  });

  it('refuses what has another digest than stands beside it', async () => {
    const artifact = await dropVersion('a.tgz', 'a', '1.0.0');
    drop('a.tgz.sha256', `${'0'.repeat(64)}  a.tgz`);
    expect(await run()).toEqual([
      { key: 'a.tgz', result: 'refused', reason: expect.stringContaining(digestOf(artifact)) },
    ]);
    drop('a.tgz.sha256', `${digestOf(artifact).slice(7)}  a.tgz`);
    expect(await run()).toMatchObject([{ result: 'created' }]);
  });

  it('ends where the mesh is at fault, so that it can be tried again', async () => {
    await dropVersion('a.tgz', 'a', '1.0.0');
    const away: Publish = async () => {
      throw new MeshError('catalogue-unavailable');
    };
    await expect(run(away)).rejects.toMatchObject({ code: 'catalogue-unavailable' });
  });

  it('is not held up by one on which the mesh itself fails', async () => {
    await dropVersion('a.tgz', 'a', '1.0.0');
    await dropVersion('b.tgz', 'b', '1.0.0');
    const cause = new Error('a mistake');
    const failing: Publish = async (path, artifact) => {
      if (path === 'a') throw cause;
      return door(path, artifact);
    };
    expect(await run(failing)).toMatchObject([
      { key: 'a.tgz', result: 'refused', cause },
      { key: 'b.tgz', result: 'created' },
    ]);
  });
});

describe('the watch', () => {
  const said: string[] = [];
  const log = {
    info: (text: string) => void said.push(text),
    warn: (text: string) => void said.push(text),
    error: () => undefined,
  };
  let watch: ImportWatch;
  let runs = 0;
  beforeEach(() => {
    said.length = 0;
    runs = 0;
  });
  afterEach(() => watch.stop());

  /** Resolves when the source was looked into so many times more. */
  async function looks(times: number): Promise<void> {
    const until = listed + times;
    while (listed < until) await new Promise((resolve) => setImmediate(resolve));
  }
  let listed = 0;
  function watching(publish: Publish = door): void {
    const list = source.list.bind(source);
    source.list = async () => {
      listed++;
      return list();
    };
    watch = new ImportWatch(
      [source],
      1,
      (from, blobs) => {
        runs++;
        return importArtifacts(from, blobs, publish, 100_000);
      },
      log,
    );
    watch.start();
  }

  it('takes what is there and what comes, and reads nothing twice', async () => {
    await dropVersion('a.tgz', 'a', '1.0.0');
    watching();
    await looks(3);
    expect([published.length, runs]).toEqual([1, 1]);
    await dropVersion('b.tgz', 'a', '1.1.0');
    await looks(3);
    expect([published.length, runs]).toEqual([2, 2]);
    expect(said).toEqual([
      'Imported a@1.0.0 from file:///drop, a.tgz.',
      'Imported a@1.1.0 from file:///drop, b.tgz.',
    ]);
  });

  it('tells once of what it refuses, and looks again when it changes', async () => {
    drop('a.tgz', 'half of an upl');
    watching();
    await looks(4);
    expect(said).toEqual([expect.stringMatching(/^Not imported from file:\/\/\/drop, a\.tgz: .*not gzip/)]);
    await dropVersion('a.tgz', 'a', '1.0.0');
    await looks(3);
    expect(said.slice(1)).toEqual(['Imported a@1.0.0 from file:///drop, a.tgz.']);
  });

  it('tells once that the mesh is not there, and goes on where it was', async () => {
    let isAway = true;
    await dropVersion('a.tgz', 'a', '1.0.0');
    watching(async (path, artifact) => {
      if (isAway) throw new MeshError('not-connected');
      return door(path, artifact);
    });
    await looks(4);
    expect(said).toEqual(['Cannot import from file:///drop; trying on.']);
    isAway = false;
    await looks(3);
    expect(said.slice(1)).toEqual([
      'Imported a@1.0.0 from file:///drop, a.tgz.',
      'Importing from file:///drop goes on.',
    ]);
  });

  it('takes what comes back after it had gone', async () => {
    const artifact = await dropVersion('a.tgz', 'a', '1.0.0');
    watching();
    await looks(2);
    rmSync(join(folder, 'a.tgz'));
    await looks(2);
    drop('a.tgz', artifact);
    await looks(3);
    expect([published.length, runs]).toEqual([1, 2]);
  });
});
