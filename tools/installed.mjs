/*
 * Whether node_modules holds what the lock says. npm writes node_modules/.package-lock.json as the last step of an
 * install, and `npm ci` removes the folder first, so an interrupted install has none. Comparing the two, rather than
 * leaving a stamp, also accepts what a developer's own `npm install` put there.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

export function isInstalled(root) {
  const wanted = packagesOf(join(root, 'package-lock.json'));
  const present = packagesOf(join(root, 'node_modules/.package-lock.json'));
  if (!wanted || !present) return false;
  return Object.entries(wanted).every(([path, entry]) => {
    if (path === '') return true;
    const found = present[path];
    // Optional ones are left out where they are for another platform.
    if (!found)
      return entry.optional === true || entry.devOptional === true || !path.startsWith('node_modules/');
    return found.version === entry.version && found.integrity === entry.integrity;
  });
}

function packagesOf(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8')).packages;
  } catch {
    return undefined;
  }
}

/** Node 24 from the lock, which npm puts first on the PATH of every script; undefined where it is not for this platform. */
export function packagedNode(root) {
  const node = join(root, 'node_modules/.bin/node');
  return existsSync(node) ? node : undefined;
}
