/** Named bytes. */
export interface Blob {
  /** `/` between folders. */
  readonly name: string;
  /** Bytes. */
  readonly size: number;
  /** When it was last written. */
  readonly modified: Date;
  /** Another one whenever the bytes may have changed. */
  readonly tag: string;
}

/**
 * What holds them: a folder, a bucket of S3, an object store of NATS. Names are the caller's own and never lead out
 * of it. Every method rejects with MeshError `store-unavailable` when it cannot be reached in a bounded time.
 */
export interface Blobs {
  /** Resolves when the bytes are safe. A reader sees all of them or what was there before. */
  put(name: string, bytes: Uint8Array): Promise<void>;
  /** `undefined` when there is none, or when it is gone while it is being read. */
  get(name: string): Promise<Uint8Array | undefined>;
  stat(name: string): Promise<Blob | undefined>;
  /** In no order. What is written meanwhile may be among them or not. */
  list(): AsyncIterable<Blob>;
  /** Fine when there is none. */
  remove(name: string): Promise<void>;
  /**
   * Removes what a write that was cut short left.
   * @param before only what has not been touched since
   * @returns how many pieces there were
   */
  tidy(before: Date): Promise<number>;
  close(): void;
}
