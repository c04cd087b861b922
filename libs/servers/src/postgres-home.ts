import { createHash, randomUUID } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { cp, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { mayEnter, mayRead, openToAll } from './reach.js';
import { ServerError } from './server-error.js';

/*
 * Postgres refuses to run as root, so root runs it as `nobody`. A checkout or its data often lies where `nobody`
 * may not go; both are then kept below SHARED: the programs as a copy, the data under a name made from its folder's.
 */
const NOBODY = 65534;
const SHARED = '/var/lib/lambda-mesh';
const MARK = 'mesh-mark';

export type Progress = (what: string) => void;

/** The user that Postgres must run as; undefined: this process's own. */
export const postgresUser = (): number | undefined => (process.getuid?.() === 0 ? NOBODY : undefined);

/** The folder with Postgres's programs, libraries and templates: the installed one, or a copy that `uid` can read. */
export async function reachablePrograms(
  installed: string,
  uid: number | undefined,
  tell: Progress,
): Promise<string> {
  if (uid === undefined || mayRead(join(installed, 'share/postgresql/postgres.bki'), uid)) return installed;
  const { size, mtimeMs } = statSync(join(installed, 'bin/postgres'));
  const copy = join(sharedFolder(), `postgres-${size}-${Math.trunc(mtimeMs / 1000)}`);
  if (existsSync(copy)) return copy;
  tell(`copying Postgres to ${copy}: user ${uid} may not enter ${installed}`);
  const part = `${copy}.${randomUUID()}`;
  await cp(installed, part, { recursive: true, verbatimSymlinks: true });
  openToAll(part);
  // Another start may have been faster; its copy is as good.
  await rename(part, copy).catch(() => rm(part, { recursive: true, force: true }));
  return copy;
}

/**
 * The folder in which the cluster lives: `dataDir`, or, where `uid` cannot enter that, one below SHARED. Both then
 * hold the same mark; where they differ, `dataDir` was removed and made anew, and the old data must not come back.
 */
export async function clusterHome(dataDir: string, uid: number | undefined, tell: Progress): Promise<string> {
  if (uid === undefined || mayEnter(dataDir, uid)) return dataDir;
  const name = createHash('sha256').update(dataDir).digest('hex').slice(0, 16);
  const home = join(sharedFolder(), `data-${name}`);
  const mark = markOf(dataDir);
  if (mark !== undefined && mark === markOf(home)) return home;
  tell(`keeping the database in ${home}: user ${uid} may not enter ${dataDir}`);
  await rm(home, { recursive: true, force: true });
  mkdirSync(home, { mode: 0o711 });
  const fresh = randomUUID();
  for (const folder of [home, dataDir]) writeFileSync(join(folder, MARK), fresh);
  return home;
}

function markOf(folder: string): string | undefined {
  try {
    return readFileSync(join(folder, MARK), 'utf8');
  } catch {
    return undefined;
  }
}

function sharedFolder(): string {
  try {
    mkdirSync(SHARED, { recursive: true, mode: 0o755 });
    return SHARED;
  } catch (cause) {
    const why = `Started by root, Postgres runs as user ${NOBODY}, who may not enter this folder, and ${SHARED} cannot be made.`;
    const remedy = 'Remedy: run as another user than root, or work below a folder that every user may enter.';
    throw new ServerError('postgres', `${why} ${remedy}`, { cause });
  }
}
