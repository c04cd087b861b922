import { createHash, randomUUID } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { cp, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { mayEnter, mayRead, NOBODY, openToAll } from './reach.js';
import { ServerError } from './server-error.js';

/*
 * Postgres refuses to run as root, so root runs it as `nobody`. A checkout or its data often lies where `nobody`
 * may not go; both are then kept below SHARED: the programs as a copy, the data under a name made from its folder's.
 */
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
  shared = SHARED,
): Promise<string> {
  if (uid === undefined || mayRead(join(installed, 'share/postgresql/postgres.bki'), uid)) return installed;
  makeShared(shared);
  const copy = join(shared, `postgres-${digestOf(join(installed, 'bin/postgres'))}`);
  if (existsSync(copy)) return copy;
  tell(`copying Postgres to ${copy}: user ${uid} may not enter ${installed}`);
  const part = `${copy}.${randomUUID()}`;
  await cp(installed, part, { recursive: true, verbatimSymlinks: true });
  openToAll(part);
  // Another start may have been faster; its copy is as good.
  await rename(part, copy).catch(() => rm(part, { recursive: true, force: true }));
  return copy;
}

// By content: each new checkout has the same programs, and one copy is enough for all.
const digestOf = (file: string): string => shortDigest(readFileSync(file));
const shortDigest = (content: string | Buffer): string =>
  createHash('sha256').update(content).digest('hex').slice(0, 16);

/**
 * The folder in which the cluster lives: `dataDir`, or, where `uid` cannot enter that, one below SHARED. Both then
 * hold the same mark; where they differ, `dataDir` was removed and made anew, and the old data must not come back.
 */
export async function clusterHome(
  dataDir: string,
  uid: number | undefined,
  tell: Progress,
  shared = SHARED,
): Promise<string> {
  if (uid === undefined || mayEnter(dataDir, uid)) return dataDir;
  makeShared(shared);
  await removeAbandoned(shared);
  const home = join(shared, `data-${shortDigest(dataDir)}`);
  if (existsSync(home)) return home;
  tell(`keeping the database in ${home}: user ${uid} may not enter ${dataDir}`);
  mkdirSync(home, { mode: 0o711 });
  const mark: Mark = { id: randomUUID(), dataDir };
  for (const folder of [dataDir, home]) writeFileSync(join(folder, MARK), JSON.stringify(mark));
  return home;
}

interface Mark {
  readonly id: string;
  readonly dataDir: string;
}

function markOf(folder: string): Mark | undefined {
  try {
    return JSON.parse(readFileSync(join(folder, MARK), 'utf8')) as Mark;
  } catch {
    return undefined;
  }
}

/** Removes each cluster whose data folder is no longer the one that it was made for. */
async function removeAbandoned(shared: string): Promise<void> {
  for (const name of readdirSync(shared)) {
    const mark = markOf(join(shared, name));
    if (mark && markOf(mark.dataDir)?.id !== mark.id) await rm(join(shared, name), { recursive: true });
  }
}

function makeShared(shared: string): void {
  try {
    mkdirSync(shared, { recursive: true, mode: 0o755 });
  } catch (cause) {
    const why = `Started by root, Postgres runs as user ${NOBODY}, who may not enter this folder, and ${shared} cannot be made.`;
    const remedy = 'Remedy: run as another user than root, or work below a folder that every user may enter.';
    throw new ServerError('postgres', `${why} ${remedy}`, { cause });
  }
}
