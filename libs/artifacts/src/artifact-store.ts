import { DIGEST, MeshError } from '#contracts';
import type { Blobs } from './blobs.js';

/** What a store knows of an artifact without reading it. */
export interface StoredArtifact {
  /** `sha256:<hex>` */
  readonly digest: string;
  /** Bytes. */
  readonly size: number;
  /** When it was last put. */
  readonly modified: Date;
}

const NAME = /^sha256\/([0-9a-f]{64})\.tgz$/;

/**
 * Artifacts by their digest: `sha256/<hex>.tgz` in whatever holds them. What comes out is what lies there: who runs
 * it checks it. Every method rejects with MeshError `store-unavailable` when the store cannot be reached.
 */
export class ArtifactStore {
  constructor(private readonly blobs: Blobs) {}

  /**
   * Resolves when the bytes are safe. Storing the same again repairs a damaged copy, and makes it new again for
   * {@link StoredArtifact.modified}.
   * @param digest `sha256:<hex>` of `bytes`
   */
  async put(digest: string, bytes: Uint8Array): Promise<void> {
    await this.blobs.put(nameOf(digest), bytes);
  }

  async get(digest: string): Promise<Uint8Array | undefined> {
    return this.blobs.get(nameOf(digest));
  }

  async has(digest: string): Promise<boolean> {
    return (await this.stat(digest)) !== undefined;
  }

  async stat(digest: string): Promise<StoredArtifact | undefined> {
    const found = await this.blobs.stat(nameOf(digest));
    return found && { digest, size: found.size, modified: found.modified };
  }

  /** What lies there and is no artifact of ours is passed over. */
  async *list(): AsyncIterable<StoredArtifact> {
    for await (const { name, size, modified } of this.blobs.list()) {
      const hex = NAME.exec(name)?.[1];
      if (hex !== undefined) yield { digest: `sha256:${hex}`, size, modified };
    }
  }

  /** Fine when there is none. */
  async remove(digest: string): Promise<void> {
    await this.blobs.remove(nameOf(digest));
  }

  /** Removes what writes that were cut short left and nobody has touched since `before`; says how many. */
  tidy(before: Date): Promise<number> {
    return this.blobs.tidy(before);
  }

  close(): void {
    this.blobs.close();
  }
}

/** @throws MeshError `artifact-missing`: by another kind of name nothing was ever stored */
function nameOf(digest: string): string {
  if (!DIGEST.test(digest)) throw new MeshError('artifact-missing', 'Its digest is not sha256:<hex>.');
  return `${digest.replace(':', '/')}.tgz`;
}
