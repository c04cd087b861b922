import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const run = promisify(execFile);
const TIMEOUT_MS = 5_000;

/** The commit that is checked out, if nothing in the folder was changed since; `undefined` also without git. */
export async function commitOf(folder: string): Promise<string | undefined> {
  try {
    const changes = await git(folder, 'status', '--porcelain', '--', '.');
    if (changes !== '') return undefined;
    return (await git(folder, 'rev-parse', '--verify', 'HEAD')).trim();
  } catch {
    return undefined;
  }
}

async function git(folder: string, ...args: string[]): Promise<string> {
  const { stdout } = await run('git', ['-C', folder, ...args], { timeout: TIMEOUT_MS });
  return stdout;
}
