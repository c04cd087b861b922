/** An object of a NATS object store. */
export interface StoredObject {
  readonly name: string;
  /** Bytes. */
  readonly size: number;
  /** When it was last put. */
  readonly modified: Date;
  /** Another one whenever the bytes may have changed. */
  readonly tag: string;
}

/**
 * A NATS object store. Every method rejects with MeshError `store-unavailable` when it cannot be reached in a
 * bounded time; at once while not connected.
 */
export interface ObjectStore {
  /** Resolves when the bytes are safe. A reader gets all of them or what was there before. */
  put(name: string, bytes: Uint8Array): Promise<void>;
  /** `undefined` when there is none, or a part of it is missing. */
  get(name: string): Promise<Uint8Array | undefined>;
  stat(name: string): Promise<StoredObject | undefined>;
  list(): AsyncIterable<StoredObject>;
  /** Fine when there is none. */
  remove(name: string): Promise<void>;
  /** Removes what writes that were cut short left, and nobody has added to since `before`. Says of how many writes. */
  tidy(before: Date): Promise<number>;
  close(): void;
}
