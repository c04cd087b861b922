/** Where artifacts are kept, by digest. The executor reads what is put here. */
export interface ArtifactStore {
  /**
   * Resolves when the bytes are safe. Storing the same again repairs a damaged copy.
   * @param digest `sha256:<hex>` of `bytes`
   */
  put(digest: string, bytes: Uint8Array): Promise<void>;
}
