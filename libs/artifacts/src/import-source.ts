import type { Blob, Blobs } from './blobs.js';

/** Beside an artifact, if whoever made it likes: what `sha256sum` prints of it. */
const CHECKSUM = '.sha256';

/** A place where other pipelines drop artifacts. */
export class ImportSource {
  constructor(
    /** As an operator writes it: `s3://bucket/prefix`. */
    readonly name: string,
    private readonly blobs: Blobs,
  ) {}

  /**
   * Everything there that is called `*.tgz`, in folders below too; a new checksum beside it gives it a new tag. Hidden
   * files are somebody's work in progress.
   */
  async list(): Promise<Blob[]> {
    const artifacts: Blob[] = [];
    const checksums = new Map<string, string>();
    for await (const blob of this.blobs.list()) {
      if (isHidden(blob.name)) continue;
      if (blob.name.endsWith('.tgz')) artifacts.push(blob);
      else if (blob.name.endsWith(`.tgz${CHECKSUM}`)) checksums.set(blob.name, blob.tag);
    }
    return artifacts.map((blob) => {
      const checksum = checksums.get(blob.name + CHECKSUM);
      return checksum === undefined ? blob : { ...blob, tag: `${blob.tag} ${checksum}` };
    });
  }

  /** `undefined` when it has gone since it was listed. */
  get(key: string): Promise<Uint8Array | undefined> {
    return this.blobs.get(key);
  }

  /** The digest that lies beside an artifact: `undefined` when none does, `''` when it is not one. */
  async statedDigest(key: string): Promise<string | undefined> {
    const bytes = await this.blobs.get(key + CHECKSUM);
    if (!bytes) return undefined;
    const hex = /^\\?([0-9a-fA-F]{64})(\s|$)/.exec(
      Buffer.from(bytes.subarray(0, 200)).toString('latin1'),
    )?.[1];
    return hex === undefined ? '' : `sha256:${hex.toLowerCase()}`;
  }

  close(): void {
    this.blobs.close();
  }
}

const isHidden = (name: string): boolean => /(^|\/)\./.test(name);
