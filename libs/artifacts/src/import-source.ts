import type { Blob, Blobs } from './blobs.js';

/** A place where other pipelines drop artifacts. */
export class ImportSource {
  constructor(
    /** As an operator writes it: `s3://bucket/prefix`. */
    readonly name: string,
    private readonly blobs: Blobs,
  ) {}

  /** Everything there that is called `*.tgz`, in folders below too. Hidden files are somebody's work in progress. */
  async *list(): AsyncIterable<Blob> {
    for await (const blob of this.blobs.list()) if (isArtifact(blob.name)) yield blob;
  }

  /** `undefined` when it has gone since it was listed. */
  get(key: string): Promise<Uint8Array | undefined> {
    return this.blobs.get(key);
  }

  close(): void {
    this.blobs.close();
  }
}

const isArtifact = (name: string): boolean => name.endsWith('.tgz') && !/(^|\/)\./.test(name);
