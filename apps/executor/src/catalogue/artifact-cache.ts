import type { ArtifactStore } from '#artifacts';
import { isMeshError, MeshError } from '#contracts';
import { digestOf } from '#packer/artifact';
import type { DiskCache } from './disk-cache.js';
import { isIntact, type UnpackedArtifact, UnpackedFolder } from './unpacked.js';

/**
 * Artifacts for this process: from the store onto this machine's disk (`disk-cache`), and from there into a folder of
 * this process alone (`unpacked`).
 *
 * Invariant: no byte is handed out that was not compared with its digest since it was last read from a disk or the
 * network, whoever may have changed it meanwhile.
 */
export class ArtifactCache {
  readonly #folders = new Map<string, Promise<UnpackedArtifact>>();
  readonly #fetches = new Map<string, Promise<Uint8Array>>();

  private constructor(
    private readonly store: ArtifactStore,
    private readonly disk: DiskCache,
    private readonly unpacked: UnpackedFolder,
  ) {}

  static async open(store: ArtifactStore, disk: DiskCache): Promise<ArtifactCache> {
    return new ArtifactCache(store, disk, await UnpackedFolder.open());
  }

  /**
   * The folder with the artifact's files, as they were packed; the same for everyone who asks.
   * @throws MeshError `artifact-missing` or `artifact-corrupt`
   */
  async folder(digest: string): Promise<string> {
    const known = this.#folders.get(digest);
    if (!known) return (await this.#unpack(digest)).folder;
    const unpacked = await known;
    if (await isIntact(unpacked)) return unpacked.folder;
    // Who asked at the same time may have unpacked it anew already.
    if (this.#folders.get(digest) === known) await this.drop(digest);
    return this.folder(digest);
  }

  /** Brings an artifact onto the disk before it is needed. False: it is not there, for lack of room. */
  async prefetch(digest: string): Promise<boolean> {
    return this.disk.has(digest) || this.disk.put(digest, await this.#fetch(digest), false);
  }

  /** Removes the unpacked files. They can be had again: the artifact stays on the disk for as long as there is room. */
  async drop(digest: string): Promise<void> {
    const dropped = this.#folders.get(digest);
    // At once: whoever asks from now on, after a rollback say, gets files of their own.
    this.#folders.delete(digest);
    const unpacked = await dropped?.catch(() => undefined);
    if (unpacked) await this.unpacked.remove(unpacked);
  }

  async close(): Promise<void> {
    await this.unpacked.close();
    this.store.close();
  }

  #unpack(digest: string): Promise<UnpackedArtifact> {
    const unpacking = this.#read(digest).then((artifact) => this.unpacked.unpack(digest, artifact));
    this.#folders.set(digest, unpacking);
    // A failure is not kept: the artifact may be there the next time.
    unpacking.catch(() => {
      if (this.#folders.get(digest) === unpacking) this.#folders.delete(digest);
    });
    return unpacking;
  }

  async #read(digest: string): Promise<Uint8Array> {
    const kept = await this.disk.get(digest);
    if (kept) return kept;
    const artifact = await this.#fetch(digest);
    await this.disk.put(digest, artifact, true);
    return artifact;
  }

  /** Once for all who wait for it. */
  #fetch(digest: string): Promise<Uint8Array> {
    const known = this.#fetches.get(digest);
    if (known) return known;
    const fetching = fetchFrom(this.store, digest).finally(() => this.#fetches.delete(digest));
    this.#fetches.set(digest, fetching);
    return fetching;
  }
}

async function fetchFrom(store: ArtifactStore, digest: string): Promise<Uint8Array> {
  const artifact = await store.get(digest).catch((cause: unknown) => {
    if (isMeshError(cause) && cause.code === 'artifact-missing') throw cause;
    throw new MeshError('artifact-missing', 'The store of artifacts cannot be reached.', { cause });
  });
  if (!artifact)
    throw new MeshError('artifact-missing', 'Check MESH_ARTIFACTS_URL of the executor, or publish it again.');
  if (digestOf(artifact) !== digest) throw new MeshError('artifact-corrupt', 'Publish it again.');
  return artifact;
}
