import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { MeshError } from '#contracts';
import { digestOf, unpack, writeFiles } from '#packer/artifact';

/**
 * Artifacts, checked and unpacked for this process alone. Each is read once, and nothing that lies in the folder
 * was put there by anyone else: the folder is made anew at each start and removed at stop.
 */
export class ArtifactCache {
  readonly #store: string;
  readonly #root: string;
  readonly #folders = new Map<string, Promise<string>>();
  #unpacked = 0;

  private constructor(store: string, root: string) {
    this.#store = store;
    this.#root = root;
  }

  /** @param storeUrl `file:///…` */
  static async open(storeUrl: string): Promise<ArtifactCache> {
    return new ArtifactCache(fileURLToPath(storeUrl), await mkdtemp(join(tmpdir(), 'lambda-mesh-executor-')));
  }

  /**
   * The folder with the artifact's files; the same for everyone who asks.
   * @throws MeshError `artifact-missing` or `artifact-corrupt`
   */
  folder(digest: string): Promise<string> {
    const known = this.#folders.get(digest);
    if (known) return known;
    const folder = this.#unpack(digest);
    this.#folders.set(digest, folder);
    // A failure is not kept: the artifact may be there the next time.
    folder.catch(() => this.#folders.delete(digest));
    return folder;
  }

  /** Removes the files of a version that is live no more. */
  async drop(digest: string): Promise<void> {
    const dropped = this.#folders.get(digest);
    // At once: whoever asks from now on, after a rollback say, gets files of their own.
    this.#folders.delete(digest);
    const folder = await dropped?.catch(() => undefined);
    if (folder) await rm(folder, { recursive: true, force: true });
  }

  async close(): Promise<void> {
    await rm(this.#root, { recursive: true, force: true });
  }

  async #unpack(digest: string): Promise<string> {
    const { files } = await unpack(await this.#read(digest));
    // Never twice the same: the one before may just be being removed.
    const folder = join(this.#root, `${digest.replace(':', '-')}-${this.#unpacked++}`);
    await writeFiles(folder, files);
    return folder;
  }

  async #read(digest: string): Promise<Uint8Array> {
    const file = join(this.#store, 'sha256', `${digest.slice('sha256:'.length)}.tgz`);
    const artifact = await readFile(file).catch((cause: unknown) => {
      throw new MeshError(
        'artifact-missing',
        'Check MESH_ARTIFACTS_URL of the executor, or publish it again.',
        { cause },
      );
    });
    if (digestOf(artifact) !== digest) throw new MeshError('artifact-corrupt', 'Publish it again.');
    return artifact;
  }
}
