import { chmodSync, mkdirSync, mkdtempSync, realpathSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { clusterHome, reachablePrograms } from './postgres-home.js';
import { mayEnter, mayRead, openToAll } from './reach.js';

const STRANGER = 4_000_000;
let root: string;

beforeEach(() => {
  root = realpathSync(mkdtempSync(join(tmpdir(), 'mesh-reach-')));
  chmodSync(root, 0o711);
  mkdirSync(join(root, 'outer/inner'), { recursive: true });
  writeFileSync(join(root, 'outer/inner/file'), 'text', { mode: 0o644 });
  for (const folder of ['outer', 'outer/inner']) chmodSync(join(root, folder), 0o755);
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

describe('what another user can reach', () => {
  it('is what lies below folders that all may pass', () => {
    expect(mayEnter(join(root, 'outer/inner'), STRANGER)).toBe(true);
    expect(mayRead(join(root, 'outer/inner/file'), STRANGER)).toBe(true);
  });

  it('is nothing below one closed folder, except for its owner', () => {
    chmodSync(join(root, 'outer'), 0o700);
    expect(mayEnter(join(root, 'outer/inner'), STRANGER)).toBe(false);
    expect(mayRead(join(root, 'outer/inner/file'), STRANGER)).toBe(false);
    expect(mayEnter(join(root, 'outer/inner'), statSync(root).uid)).toBe(true);
  });

  it('is not a file of mode 0600', () => {
    chmodSync(join(root, 'outer/inner/file'), 0o600);
    expect(mayRead(join(root, 'outer/inner/file'), STRANGER)).toBe(false);
    openToAll(join(root, 'outer'));
    expect(mayRead(join(root, 'outer/inner/file'), STRANGER)).toBe(true);
    expect(statSync(join(root, 'outer/inner/file')).mode & 0o111).toBe(0);
  });
});

describe('the programs of Postgres', () => {
  it('stay where they are when they can be read, and are copied once when not', async () => {
    const installed = join(root, 'outer/native');
    for (const folder of ['bin', 'share/postgresql']) mkdirSync(join(installed, folder), { recursive: true });
    writeFileSync(join(installed, 'share/postgresql/postgres.bki'), '', { mode: 0o644 });
    writeFileSync(join(installed, 'bin/postgres'), '#!', { mode: 0o700 });
    openToAll(installed);
    const told: string[] = [];
    const where = () =>
      reachablePrograms(installed, STRANGER, (what) => told.push(what), join(root, 'shared'));
    expect(await where()).toBe(installed);
    chmodSync(join(root, 'outer'), 0o700);
    const copy = await where();
    expect(copy.startsWith(join(root, 'shared/postgres-'))).toBe(true);
    expect(statSync(join(copy, 'bin/postgres')).mode & 0o777).toBe(0o755);
    expect(await where()).toBe(copy);
    expect(told).toHaveLength(1);
  });
});

describe('the home of a cluster', () => {
  const quiet = () => undefined;
  const homeOf = (folder: string) => clusterHome(folder, STRANGER, quiet, join(root, 'shared'));

  it('is the data folder itself when the user may enter it', async () => {
    expect(await homeOf(join(root, 'outer/inner'))).toBe(join(root, 'outer/inner'));
  });

  it('is elsewhere when not, the same each time, until the data folder is removed', async () => {
    const dataDir = join(root, 'outer/inner');
    chmodSync(join(root, 'outer'), 0o700);
    const home = await homeOf(dataDir);
    writeFileSync(join(home, 'password'), 'kept');
    expect(await homeOf(dataDir)).toBe(home);
    expect(statSync(join(home, 'password')).size).toBe(4);
    rmSync(dataDir, { recursive: true });
    mkdirSync(dataDir);
    expect(await homeOf(dataDir)).toBe(home);
    expect(() => statSync(join(home, 'password'))).toThrow('ENOENT');
  });

  it('is removed when its data folder has gone and another one is placed', async () => {
    chmodSync(join(root, 'outer'), 0o700);
    const home = await homeOf(join(root, 'outer/inner'));
    rmSync(join(root, 'outer/inner'), { recursive: true });
    mkdirSync(join(root, 'outer/other'));
    expect(await homeOf(join(root, 'outer/other'))).not.toBe(home);
    expect(() => statSync(home)).toThrow('ENOENT');
  });
});
