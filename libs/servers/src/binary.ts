import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { ServerError } from './server-error.js';

const require = createRequire(import.meta.url);

/** Where to look for a program that is not installed from npm. */
const SYSTEM_FOLDERS = [
  '/usr/local/bin',
  '/usr/bin',
  '/usr/local/sbin',
  '/usr/sbin',
  '/opt/homebrew/bin',
  '/opt/homebrew/sbin',
];

/** A file inside an installed npm package; undefined when the package, made for one platform, is not there. */
export function packagedFile(name: string, fromEntry: string): string | undefined {
  try {
    const file = join(dirname(require.resolve(name)), fromEntry);
    return existsSync(file) ? file : undefined;
  } catch {
    return undefined;
  }
}

/** A program installed on this machine: in `searchPath` (as in PATH) or where systems keep programs. */
export function systemProgram(program: string, searchPath = ''): string | undefined {
  const folders = [...searchPath.split(':').filter((folder) => folder !== ''), ...SYSTEM_FOLDERS];
  return folders.map((folder) => join(folder, program)).find((file) => existsSync(file));
}

export function missingProgram(server: string, program: string, remedy: string): ServerError {
  return new ServerError(server, `There is no ${program} on this machine. Remedy: ${remedy}`);
}
