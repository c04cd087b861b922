import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { unpack, writeFiles } from '#packer/artifact';

const PREFIX = 'lambda-mesh-executor-';

/** An artifact's files on the disk, with what each must hold. */
export interface UnpackedArtifact {
  readonly folder: string;
  /** SHA-256 by file name. */
  readonly hashes: ReadonlyMap<string, string>;
}

/**
 * The folder in which one process unpacks artifacts: for its user alone, made anew at each start, removed at stop, and
 * by the next executor on this machine when this one was killed.
 */
export class UnpackedFolder {
  #made = 0;

  private constructor(private readonly root: string) {}

  static async open(): Promise<UnpackedFolder> {
    return new UnpackedFolder(await ownFolder());
  }

  /** @throws MeshError `bad-artifact` */
  async unpack(digest: string, artifact: Uint8Array): Promise<UnpackedArtifact> {
    const { files, executables } = await unpack(artifact);
    // Never twice the same: the one before may just be being removed.
    const folder = join(this.root, `${digest.replace(':', '-')}-${this.#made++}`);
    await writeFiles(folder, files, executables);
    return { folder, hashes: new Map([...files].map(([name, bytes]) => [name, hashOf(bytes)])) };
  }

  async remove({ folder }: UnpackedArtifact): Promise<void> {
    await rm(folder, { recursive: true, force: true });
  }

  async close(): Promise<void> {
    await rm(this.root, { recursive: true, force: true });
  }
}

/** A new folder for temporary files of this process; those of processes that were killed are removed first. */
export async function ownFolder(): Promise<string> {
  await removeLeftovers();
  return mkdtemp(join(tmpdir(), `${PREFIX}${ownMark()}-`));
}

/** Whether every file still holds what was unpacked. One after the other: there may be thousands, and 128 MiB of them. */
export async function isIntact({ folder, hashes }: UnpackedArtifact): Promise<boolean> {
  for (const [name, hash] of hashes) {
    const bytes = await readFile(join(folder, name)).catch(() => undefined);
    if (!bytes || hashOf(bytes) !== hash) return false;
  }
  return true;
}

const hashOf = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

/** Names a process for as long as the machine runs: another one with its number started at another time. */
const markOf = (pid: number): string => `${ownHost()}-${pid}-${startOf(pid)}`;
const ownMark = (): string => markOf(process.pid);
const ownHost = (): string => hostname().replace(/[^A-Za-z0-9.]/g, '_');

/** proc(5), field 22 of `stat`, in clock ticks since boot. Where there is no /proc: 0, or nothing when it has ended. */
function startOf(pid: number): string {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? '0';
  } catch {
    return isRunning(pid) ? '0' : '';
  }
}

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    // EPERM: it runs, as somebody else.
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** Removes the folders of executors that were killed. Those of another host or another user are left to them. */
async function removeLeftovers(): Promise<void> {
  const left = readdirSync(tmpdir()).filter((name) => name.startsWith(PREFIX) && isLeft(name));
  await Promise.allSettled(left.map((name) => rm(join(tmpdir(), name), { recursive: true, force: true })));
}

function isLeft(name: string): boolean {
  const [, host, pid, start] = /^([^-]+)-(\d+)-(\d+)-[^-]+$/.exec(name.slice(PREFIX.length)) ?? [];
  return host === ownHost() && startOf(Number(pid)) !== start;
}
