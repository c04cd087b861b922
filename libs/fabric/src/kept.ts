import type { HeaderMap } from '#contracts';

/** A value that is kept under a key, as the server has it. */
export interface Kept {
  /** Names in lower case. */
  readonly headers: HeaderMap;
  readonly value: Uint8Array;
  /** To be named when it is replaced. */
  readonly revision: number;
}

/**
 * A KV bucket with headers beside its values: what the mesh keeps of single events (results of asynchronous calls,
 * attempts at work).
 * @throws MeshError `not-connected` from each; nothing is certain then
 */
export interface Keep {
  get(key: string): Promise<Kept | undefined>;
  /** @returns its revision */
  put(key: string, headers: HeaderMap, value: Uint8Array): Promise<number>;
  /**
   * Writes only where the server has this revision; 0: where there is nothing.
   * @returns the new revision, or `undefined` where another was faster
   */
  replace(key: string, revision: number, headers: HeaderMap, value: Uint8Array): Promise<number | undefined>;
  remove(key: string): Promise<void>;
}
