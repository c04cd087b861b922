import { mkdir } from 'node:fs/promises';
import { ArtifactStore, FileBlobs } from '#artifacts';
import type { Log } from '#lifecycle';
import { digestOf } from '#packer/artifact';

/** What a crash left of a write is removed when it is older than this, ms. */
const LEFTOVER_MS = 3_600_000;

export interface DiskCacheOptions {
  /** Made when it is not there. Several executors may share it. */
  readonly folder: string;
  /** Bytes of all artifacts together. */
  readonly maxBytes: number;
  /** Whether a route names it now: these go last. */
  readonly isLive: (digest: string) => boolean;
  readonly log: Log;
}

/**
 * Artifacts on this machine's disk, so that an executor starts while the store is away. Nothing here is believed:
 * what is read is checked against its digest each time, and removed when it is wrong. A disk that is full or may not
 * be written costs the cache, never an answer.
 */
export class DiskCache {
  readonly #files: ArtifactStore;
  readonly #options: DiskCacheOptions;
  /** Bytes by digest, in the order of last use; what is just being written is among them. */
  readonly #sizes = new Map<string, number>();
  #bytes = 0;
  #complained = false;

  private constructor(options: DiskCacheOptions) {
    this.#options = options;
    this.#files = new ArtifactStore(new FileBlobs(options.folder));
  }

  /** Never rejects: without a usable folder there is nothing in it. */
  static async open(options: DiskCacheOptions): Promise<DiskCache> {
    const cache = new DiskCache(options);
    try {
      await mkdir(options.folder, { recursive: true, mode: 0o700 });
      await cache.#files.tidy(new Date(Date.now() - LEFTOVER_MS));
      const found = [];
      for await (const artifact of cache.#files.list()) found.push(artifact);
      found.sort((a, b) => a.modified.getTime() - b.modified.getTime());
      for (const { digest, size } of found) cache.#count(digest, size);
    } catch (error) {
      cache.#complain(error);
    }
    return cache;
  }

  /** Bytes of what lies there, as far as this process knows. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Without looking at the disk. */
  has(digest: string): boolean {
    return this.#sizes.has(digest);
  }

  /** The artifact, whose digest was compared; `undefined` when there is none or when its bytes are wrong. */
  async get(digest: string): Promise<Uint8Array | undefined> {
    const bytes = await this.#files.get(digest).catch((error: unknown) => this.#complain(error));
    if (!bytes) {
      this.#forget(digest);
      return undefined;
    }
    if (digestOf(bytes) === digest) {
      this.#count(digest, bytes.length);
      return bytes;
    }
    this.#options.log.warn(`The cached artifact ${digest} has other bytes; it is removed and fetched again.`);
    await this.#remove(digest);
    return undefined;
  }

  /**
   * Keeps an artifact, after whatever must make room for it: first what no route names, then, if `atAnyCost`, what was
   * not used for longest.
   * @returns whether it is there now
   */
  async put(digest: string, bytes: Uint8Array, atAnyCost: boolean): Promise<boolean> {
    this.#forget(digest);
    const evicted = this.#toEvict(bytes.length, atAnyCost);
    if (!evicted) return false;
    // Counted before it is written, so that two at once do not take the same room.
    this.#count(digest, bytes.length);
    try {
      await Promise.all(evicted.map((other) => this.#remove(other)));
      await this.#files.put(digest, bytes);
      // It had to make room itself while it was being written.
      if (!this.#sizes.has(digest)) await this.#remove(digest);
      return this.#sizes.has(digest);
    } catch (error) {
      this.#forget(digest);
      this.#complain(error);
      return false;
    }
  }

  /** Forgets them at once. `undefined`: there is not enough that may go. */
  #toEvict(needed: number, atAnyCost: boolean): string[] | undefined {
    const { maxBytes, isLive } = this.#options;
    const all = [...this.#sizes.keys()];
    const candidates = [...all.filter((d) => !isLive(d)), ...(atAnyCost ? all.filter(isLive) : [])];
    let free = maxBytes - this.#bytes;
    const evicted: string[] = [];
    for (const digest of candidates) {
      if (free >= needed) break;
      free += this.#sizes.get(digest) ?? 0;
      evicted.push(digest);
    }
    if (free < needed) return undefined;
    for (const digest of evicted) this.#forget(digest);
    return evicted;
  }

  async #remove(digest: string): Promise<void> {
    this.#forget(digest);
    await this.#files.remove(digest).catch((error: unknown) => this.#complain(error));
  }

  #count(digest: string, size: number): void {
    this.#forget(digest);
    this.#sizes.set(digest, size);
    this.#bytes += size;
  }

  #forget(digest: string): void {
    this.#bytes -= this.#sizes.get(digest) ?? 0;
    this.#sizes.delete(digest);
  }

  #complain(error: unknown): undefined {
    if (!this.#complained)
      this.#options.log.warn(
        `Artifacts cannot be kept in ${this.#options.folder}; each is fetched when it is needed. Remedy: set MESH_CACHE_DIR to a folder that this user may write.`,
        error,
      );
    this.#complained = true;
    return undefined;
  }
}
