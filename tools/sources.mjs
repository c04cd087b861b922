/*
 * What a build is made from, as one digest. The build leaves it in dist/ when it is complete; `npm start` and
 * `npm test` compare it to know whether dist/ is still what the sources say. Contents, not times: a checkout
 * or a restored cache changes times only.
 */
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

export const STAMP = 'dist/.sources';
const FOLDERS = ['apps', 'libs'];
const FILES = [
  'package.json',
  'package-lock.json',
  'tsconfig.json',
  'nest-cli.json',
  '.swcrc',
  'tools/build.mjs',
];
const SKIPPED = new Set(['node_modules', 'dist', '.mesh']);

/** Every file under the source folders of a checkout, relative to it, in one order on every machine. */
export function sourceFiles(root) {
  const found = [];
  const walk = (folder) => {
    for (const entry of readdirSync(join(root, folder), { withFileTypes: true })) {
      if (SKIPPED.has(entry.name)) continue;
      const path = `${folder}/${entry.name}`;
      if (entry.isDirectory()) walk(path);
      else if (entry.isFile() && !path.endsWith('.spec.ts')) found.push(path);
    }
  };
  for (const folder of FOLDERS) walk(folder);
  return found.sort();
}

/** SHA-256 over names and contents of what the build reads: about 10 ms for a few hundred files. */
export function sourceDigest(root) {
  const hash = createHash('sha256');
  for (const path of [...FILES, ...sourceFiles(root)]) {
    hash.update(`${path}\0`);
    hash.update(readFileSync(join(root, path)));
    hash.update('\0');
  }
  return hash.digest('hex');
}

/** The digest of the sources that dist/ was built from; undefined when there is no complete build. */
export function builtDigest(root) {
  try {
    return readFileSync(join(root, STAMP), 'utf8');
  } catch {
    return undefined;
  }
}
