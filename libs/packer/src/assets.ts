import { glob, readFile, realpath, stat } from 'node:fs/promises';
import { dirname, isAbsolute, join, relative, sep } from 'node:path';
import { ENTRY_FILE, MAP_FILE } from './bundle.js';
import type { Source } from './entry.js';
import { isArtifactFile } from './file-name.js';
import { PackError } from './pack-error.js';

const TAKEN = new Set(['manifest.json', ENTRY_FILE, MAP_FILE]);

/**
 * The files that "assets" names, as they lie beside the handler: `join(import.meta.dirname, 'templates/a.html')` in the
 * entry finds a file in a test and in the mesh alike. Hence each must lie below the entry's folder.
 * @returns bytes by name relative to the entry's folder, in the order of names
 * @throws PackError `bad-asset`
 */
export async function readAssets({ folder, entry, assets }: Source): Promise<Map<string, Uint8Array>> {
  const base = dirname(join(folder, entry));
  const files = new Map<string, Uint8Array>();
  for (const file of await matches(folder, assets)) {
    const name = nameOf(base, file);
    await checkInside(folder, file);
    files.set(name, await readFile(file));
  }
  return files;
}

/** Where the file of an asset lies. */
export const assetFile = ({ folder, entry }: Source, name: string): string =>
  join(folder, dirname(entry), name);

/** Absolute paths of the files that patterns name. @throws PackError `bad-asset` for one that names none */
export async function matches(folder: string, patterns: readonly string[]): Promise<string[]> {
  const found = new Set<string>();
  for (const pattern of patterns) {
    const before = found.size;
    for await (const path of glob(pattern, { cwd: folder }))
      if ((await stat(join(folder, path))).isFile()) found.add(join(folder, path));
    if (found.size === before && !(await isCovered(folder, pattern, found))) throw nothing(pattern);
  }
  return [...found].sort();
}

/** Two patterns may name the same files; one that names none at all is a slip. */
async function isCovered(folder: string, pattern: string, found: ReadonlySet<string>): Promise<boolean> {
  for await (const path of glob(pattern, { cwd: folder })) if (found.has(join(folder, path))) return true;
  return false;
}

function nameOf(base: string, file: string): string {
  const path = relative(base, file);
  if (path.startsWith('..') || isAbsolute(path))
    throw badAsset(
      `The asset ${file} does not lie below the handler's own folder ${base}`,
      'Move it there: it is found by import.meta.dirname of the handler.',
    );
  const name = path.split(sep).join('/');
  if (TAKEN.has(name))
    throw badAsset(`The asset ${name} has the name of a file that packing makes`, 'Rename it.');
  if (isArtifactFile(name)) return name;
  throw badAsset(
    `The asset ${JSON.stringify(name)} has a name that an artifact cannot hold`,
    'Use letters, digits and "_", "-", ".", "@", "+", "~" alone, and no name that begins with a dot.',
  );
}

/** A link could bring in any file of this machine. */
async function checkInside(folder: string, file: string): Promise<void> {
  if ((await realpath(file)).startsWith(folder + sep)) return;
  throw badAsset(`The asset ${file} is a link that leads out of the folder`, 'Copy the file itself.');
}

const nothing = (pattern: string) =>
  badAsset(
    `No file matches the asset pattern ${JSON.stringify(pattern)}`,
    'Correct "assets" in package.json.',
  );
const badAsset = (reason: string, remedy: string) => new PackError('bad-asset', `${reason}.`, remedy);
