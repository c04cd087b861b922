import { execFile } from 'node:child_process';
import { randomBytes, randomUUID } from 'node:crypto';
import {
  chownSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Progress } from './postgres-home.js';
import { ServerError } from './server-error.js';

/*
 * A cluster on disk: `data/`, which is Postgres's own, and `password`, the superuser's. It is made under another
 * name and renamed when complete, so that a start that was killed half-way leaves nothing that looks finished.
 */
export const SUPERUSER = 'postgres';
const run = promisify(execFile);

export interface Cluster {
  readonly data: string;
  readonly password: string;
}

/**
 * The cluster in `home`, made if need be (one to two seconds).
 * @throws ServerError when there is data without its password, or initdb fails
 */
export async function openCluster(
  home: string,
  initdb: string,
  uid: number | undefined,
  tell: Progress,
): Promise<Cluster> {
  const data = join(home, 'data');
  removeUnfinished(home);
  const password = passwordIn(home, existsSync(data));
  if (!existsSync(data)) {
    tell('making the database cluster');
    await makeCluster(home, data, initdb, password, uid);
  }
  removeStaleLock(data);
  return { data, password };
}

function removeUnfinished(home: string): void {
  for (const name of readdirSync(home)) {
    if (name.startsWith('new-')) rmSync(join(home, name), { recursive: true, force: true });
  }
}

/** Random and kept, rather than `trust`: a superuser's session can run programs, and any local user can connect. */
function passwordIn(home: string, hasData: boolean): string {
  const file = join(home, 'password');
  if (existsSync(file)) return readFileSync(file, 'utf8');
  if (hasData)
    throw new ServerError(
      'postgres',
      `${file} is missing, without which nobody can log in to the database beside it. Remedy: put it back, or remove ${home} to start with an empty database.`,
    );
  const password = randomBytes(18).toString('hex');
  writeFileSync(file, password, { mode: 0o600 });
  return password;
}

async function makeCluster(
  home: string,
  data: string,
  initdb: string,
  password: string,
  uid: number | undefined,
): Promise<void> {
  const part = join(home, `new-${randomUUID()}`);
  const passwordFile = `${part}.password`;
  mkdirSync(part, { mode: 0o700 });
  writeFileSync(passwordFile, password, { mode: 0o600 });
  if (uid !== undefined) for (const path of [part, passwordFile]) chownSync(path, uid, uid);
  const login = ['-U', SUPERUSER, `--pwfile=${passwordFile}`, '--auth=scram-sha-256'];
  // --no-sync: a cluster lost before its first use is simply made again.
  const args = ['-D', part, ...login, '--encoding=UTF8', '--no-locale', '--no-sync', '--no-instructions'];
  const user = uid === undefined ? {} : { uid, gid: uid };
  try {
    await run(initdb, args, { ...user, cwd: '/', env: { LC_ALL: 'C', TZ: 'UTC', PATH: '/usr/bin:/bin' } });
  } catch (cause) {
    const { stderr, message } = cause as Error & { stderr?: string };
    throw new ServerError('postgres', `initdb failed: ${stderr || message}`, { cause });
  } finally {
    rmSync(passwordFile, { force: true });
  }
  renameSync(part, data);
}

/**
 * After kill -9 `postmaster.pid` stays behind. Postgres ignores it when no process has that pid, but refuses to start
 * when another program has it by now. Only a process that works in this very folder is its postmaster.
 */
function removeStaleLock(data: string): void {
  const file = join(data, 'postmaster.pid');
  if (process.platform !== 'linux' || !existsSync(file)) return;
  const pid = Number.parseInt(readFileSync(file, 'utf8'), 10);
  if (workingFolder(pid) !== data) rmSync(file, { force: true });
}

function workingFolder(pid: number): string | undefined {
  try {
    return readlinkSync(`/proc/${pid}/cwd`);
  } catch {
    return undefined;
  }
}
