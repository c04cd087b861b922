import { chmodSync, readdirSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';

/*
 * What another user can get at. A file is reached through every folder above it, so one folder of mode 0700, such
 * as /root or what mktemp makes, hides all that lies below it.
 */
/** The user that servers become where root starts them: Debian's `nobody`, whose number is the same elsewhere. */
export const NOBODY = 65534;
const READ = 4;
const PASS = 1;

// Groups are left out: the user in question, `nobody`, is in none that owns anything.
function allows(path: string, uid: number, bit: typeof READ | typeof PASS): boolean {
  const { mode, uid: owner } = statSync(path);
  return ((owner === uid ? mode >> 6 : mode) & bit) !== 0;
}

/** Whether the user may pass through a folder and all above it. */
export function mayEnter(folder: string, uid: number): boolean {
  const path = resolve(folder);
  return allows(path, uid, PASS) && (dirname(path) === path || mayEnter(dirname(path), uid));
}

export function mayRead(file: string, uid: number): boolean {
  return mayEnter(dirname(file), uid) && allows(file, uid, READ);
}

/** Lets every user read what is below a folder, and run what its owner may run. */
export function openToAll(folder: string): void {
  chmodSync(folder, 0o755);
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) openToAll(path);
    else if (entry.isFile()) chmodSync(path, statSync(path).mode & 0o100 ? 0o755 : 0o644);
  }
}
