import { randomUUID } from 'node:crypto';
import { mkdir, open, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ArtifactStore } from './artifact-store.js';

/**
 * A folder, shared with the executors: `<folder>/sha256/<hex>.tgz`. A reader sees a whole artifact or none, also
 * after a power cut: the bytes are synced under another name before they get theirs.
 */
export class FileArtifactStore implements ArtifactStore {
  readonly #folder: string;

  constructor(url: URL) {
    this.#folder = fileURLToPath(url);
  }

  async put(digest: string, bytes: Uint8Array): Promise<void> {
    const [algorithm = '', hex = ''] = digest.split(':');
    const target = join(this.#folder, algorithm, `${hex}.tgz`);
    await mkdir(dirname(target), { recursive: true });
    const temporary = join(dirname(target), `.${hex}.${randomUUID()}.part`);
    try {
      await writeSynced(temporary, bytes);
      await rename(temporary, target);
      await syncFolder(dirname(target));
    } catch (error) {
      await rm(temporary, { force: true });
      throw error;
    }
  }
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
