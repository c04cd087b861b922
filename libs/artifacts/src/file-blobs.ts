import { randomUUID } from 'node:crypto';
import { constants } from 'node:fs';
import { lstat, mkdir, open, readdir, rename, rm } from 'node:fs/promises';
import { basename, dirname, join, relative, sep } from 'node:path';
import type { Blob, Blobs } from './blobs.js';
import { reaching, reachingMaybe } from './unavailable.js';

/** What {@link FileBlobs.put} writes before it has its name. */
const PART = /^\.[^/]+\.part$/;

/** One after the other, 10,000 files would hold up an executor's start for a quarter of a second. */
const STATS_AT_ONCE = 256;

// A link is refused, and a pipe does not hold us up until somebody writes to it.
const READ = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;

/**
 * A folder, which may be shared between machines. A reader sees a whole blob or none, also after a power cut: the
 * bytes are synced under another name before they get theirs. Links are not followed: what they lead to was not put
 * here.
 */
export class FileBlobs implements Blobs {
  readonly #root: string;

  /** @param folder absolute; made when something is first put there */
  constructor(folder: string) {
    this.#root = folder;
  }

  put(name: string, bytes: Uint8Array): Promise<void> {
    return reaching(async () => {
      const target = this.#fileOf(name);
      const folder = dirname(target);
      await mkdir(folder, { recursive: true });
      const part = join(folder, `.${basename(target)}.${randomUUID()}.part`);
      try {
        await writeSynced(part, bytes);
        await rename(part, target);
        await syncFolder(folder);
      } catch (error) {
        await rm(part, { force: true });
        throw error;
      }
    });
  }

  get(name: string): Promise<Uint8Array | undefined> {
    return reachingMaybe(async () => {
      const handle = await open(this.#fileOf(name), READ);
      try {
        return await handle.readFile();
      } finally {
        await handle.close();
      }
    }, isAbsent);
  }

  stat(name: string): Promise<Blob | undefined> {
    return reachingMaybe(() => describe(name, this.#fileOf(name)), isAbsent);
  }

  async *list(): AsyncIterable<Blob> {
    const files = (await this.#files()).filter((file) => !PART.test(basename(file)));
    for (let from = 0; from < files.length; from += STATS_AT_ONCE) {
      const some = files.slice(from, from + STATS_AT_ONCE);
      const blobs = some.map((file) => this.stat(relative(this.#root, file).split(sep).join('/')));
      for (const blob of await Promise.all(blobs)) if (blob) yield blob;
    }
  }

  remove(name: string): Promise<void> {
    return reaching(() => rm(this.#fileOf(name), { force: true }));
  }

  async tidy(before: Date): Promise<number> {
    let removed = 0;
    for (const file of await this.#files()) {
      if (!PART.test(basename(file))) continue;
      const blob = await reachingMaybe(() => describe(file, file), isAbsent);
      if (!blob || blob.modified >= before) continue;
      await reaching(() => rm(file, { force: true }));
      removed++;
    }
    return removed;
  }

  close(): void {}

  async #files(): Promise<string[]> {
    const options = { recursive: true, withFileTypes: true } as const;
    const entries = await reachingMaybe(() => readdir(this.#root, options), isAbsent);
    return (entries ?? []).filter((e) => e.isFile()).map((e) => join(e.parentPath, e.name));
  }

  #fileOf(name: string): string {
    if (name.split('/').some((part) => part === '' || part === '.' || part === '..'))
      throw new Error(`not a blob's name: ${JSON.stringify(name.slice(0, 100))}`);
    return join(this.#root, ...name.split('/'));
  }
}

/** The inode is part of the tag: two writes within one tick of the clock are two files. */
async function describe(name: string, file: string): Promise<Blob> {
  const { size, mtimeNs, ino, mtime } = await lstat(file, { bigint: true });
  return { name, size: Number(size), modified: mtime, tag: `${mtimeNs}-${size}-${ino}` };
}

async function writeSynced(file: string, bytes: Uint8Array): Promise<void> {
  const handle = await open(file, 'wx', 0o644);
  try {
    await handle.writeFile(bytes);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** A rename is only kept once its folder is. */
async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

// ELOOP: it is a link. ENOTDIR and EISDIR: a name that others gave, with a file where we expect a folder or the reverse.
const ABSENT = new Set(['ENOENT', 'ELOOP', 'ENOTDIR', 'EISDIR']);
const isAbsent = (error: unknown): boolean => ABSENT.has((error as NodeJS.ErrnoException).code ?? '');
