import { lstatSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { identify, isAlive, type ProcessIdentity, signal } from './identity.js';
import { ServerError } from './server-error.js';

/*
 * Whose data folder it is. Each server's folder holds `server.json`: the process that started the server, and the
 * server. Invariants:
 *   1. A folder belongs to one server at a time: starting in one that is in use is refused.
 *   2. A server whose parent is gone (kill -9) is an orphan; the next start in its folder ends it first.
 *   3. Nothing is ended but the very process recorded: pid and start time must both fit.
 */
const RECORD = 'server.json';
const GRACE_MS = 10_000;

interface ClaimRecord {
  readonly server: string;
  readonly parent: ProcessIdentity;
  /** Absent while the server is being started. */
  readonly child?: ProcessIdentity;
  /** The signal upon which this server ends in order. */
  readonly stopSignal: NodeJS.Signals;
}

export interface Claim {
  /** Records the server once it has a pid. */
  started(pid: number): void;
  /** Gives the folder up. */
  release(): void;
}

/**
 * Makes a data folder this process's own, after ending an orphan that still has it.
 * @throws ServerError when a server that is still looked after uses it
 */
export async function claimFolder(
  server: string,
  folder: string,
  stopSignal: NodeJS.Signals,
): Promise<Claim> {
  mkdirSync(folder, { recursive: true, mode: 0o711 });
  await endOrphan(folder);
  const parent = identify(process.pid);
  if (!parent) throw new ServerError(server, 'This process cannot read its own start time.');
  const file = join(folder, RECORD);
  const write = (record: ClaimRecord): void => {
    writeFileSync(`${file}.new`, JSON.stringify(record), { mode: 0o600 });
    renameSync(`${file}.new`, file);
  };
  write({ server, parent, stopSignal });
  return {
    started(pid) {
      const child = identify(pid);
      if (child) write({ server, parent, stopSignal, child });
    },
    release: () => rmSync(file, { force: true }),
  };
}

/** An orphan that was ended. */
export interface Reaped {
  readonly server: string;
  readonly pid: number;
}

/**
 * Ends the servers that a killed parent left behind in `folder` and in the folders directly below it.
 * @throws ServerError when one of them is in use by a parent that still runs
 */
export async function reapOrphans(folder: string): Promise<Reaped[]> {
  const below = childFolders(folder).map((name) => join(folder, name));
  const reaped = await Promise.all([folder, ...below].map(endOrphan));
  return reaped.filter((one) => one !== undefined);
}

/**
 * Ends what killed parents left in folders that nobody would look into again, the temporary ones, and removes them.
 * Only this user's own folders count: in a shared place anyone could name a process to be ended.
 */
export async function reapTemporary(parent: string, prefix: string): Promise<void> {
  const names = childFolders(parent).filter((name) => name.startsWith(prefix));
  for (const path of names.map((name) => join(parent, name))) {
    const record = isOwn(path) ? readRecord(join(path, RECORD)) : undefined;
    if (!record || isAlive(record.parent)) continue;
    await endOrphan(path);
    rmSync(path, { recursive: true, force: true });
  }
}

function isOwn(path: string): boolean {
  const stat = lstatSync(path, { throwIfNoEntry: false });
  return stat?.isDirectory() === true && stat.uid === process.getuid?.();
}

function childFolders(folder: string): string[] {
  try {
    const entries = readdirSync(folder, { withFileTypes: true });
    return entries.filter((entry) => entry.isDirectory()).map((entry) => entry.name);
  } catch {
    return [];
  }
}

async function endOrphan(folder: string): Promise<Reaped | undefined> {
  const record = readRecord(join(folder, RECORD));
  if (!record) return undefined;
  const { server, parent, child, stopSignal } = record;
  const running = child !== undefined && isAlive(child);
  if (isAlive(parent) && (running || (!child && parent.pid !== process.pid))) throw inUse(folder, record);
  if (running) await end(child, stopSignal, GRACE_MS);
  rmSync(join(folder, RECORD), { force: true });
  return running ? { server, pid: child.pid } : undefined;
}

function inUse(folder: string, { server, parent }: ClaimRecord): ServerError {
  return new ServerError(
    server,
    `${folder} is in use: process ${parent.pid} runs ${server} in it. Remedy: end that process, or use another data folder.`,
  );
}

/** A half-written record cannot be (it is renamed into place); one of another format is as good as none. */
function readRecord(file: string): ClaimRecord | undefined {
  try {
    const record = JSON.parse(readFileSync(file, 'utf8')) as ClaimRecord;
    return typeof record.parent?.pid === 'number' ? record : undefined;
  } catch {
    return undefined;
  }
}

/** Ends one process: in order, then, after `graceMs`, by force. Resolves when it is gone. */
export async function end(
  identity: ProcessIdentity,
  stopSignal: NodeJS.Signals,
  graceMs: number,
): Promise<void> {
  signal(identity, stopSignal);
  const deadline = performance.now() + graceMs;
  let forced = false;
  while (isAlive(identity)) {
    if (!forced && performance.now() > deadline) {
      signal(identity, 'SIGKILL');
      forced = true;
    }
    await delay(20);
  }
}
