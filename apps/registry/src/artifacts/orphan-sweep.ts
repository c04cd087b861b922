import type { ArtifactStore, StoredArtifact } from '#artifacts';
import type { Log } from '#lifecycle';

/** Younger ones may be about to be recorded: they are stored before. */
export const LEAST_AGE_MS = 3_600_000;
const INTERVAL_MS = 3_600_000;
/** After the start, or a sweep that failed, ms: not in the busiest minute. */
const FIRST_MS = 60_000;
/** How many digests are asked of the catalogue at once. */
const BATCH = 500;

/** What a sweep asks of the catalogue. */
export interface NamedDigests {
  /** Those that no version names. */
  unnamed(digests: readonly string[]): Promise<string[]>;
  /** Runs `work` while nothing is being recorded, with those of the digests that no version names then. */
  whileUnnamed(
    digests: readonly string[],
    work: (unnamed: readonly string[]) => Promise<void>,
  ): Promise<void>;
}

/**
 * Removes artifacts that were stored and never recorded, as when a publisher is refused or ends in between, and what
 * writes that were cut short left. Several registries may sweep the same store.
 *
 * Nothing that is recorded is ever removed: a digest is looked up, and its age once more, under the lock under which
 * versions are recorded; and the door looks after it has recorded whether the artifact is still there.
 */
export class OrphanSweep {
  #timer: NodeJS.Timeout | undefined;
  #current: Promise<void> | undefined;
  #stopped = false;

  constructor(
    private readonly store: ArtifactStore,
    private readonly named: NamedDigests,
    private readonly log: Log,
  ) {}

  start(): void {
    this.#schedule(FIRST_MS);
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#timer);
    await this.#current;
  }

  /**
   * @param before what was put since is left alone
   * @returns how many artifacts were removed
   * @throws MeshError `store-unavailable`, `catalogue-unavailable`
   */
  async sweep(before: Date): Promise<number> {
    await this.store.tidy(before);
    let removed = 0;
    for await (const batch of inBatches(this.#olderThan(before))) {
      if (this.#stopped) break;
      const unnamed = await this.named.unnamed(batch.map(({ digest }) => digest));
      for (const digest of unnamed) if (await this.#remove(digest, before)) removed++;
    }
    return removed;
  }

  /** One at a time: publishing waits meanwhile. */
  async #remove(digest: string, before: Date): Promise<boolean> {
    let isRemoved = false;
    await this.named.whileUnnamed([digest], async ([unnamed]) => {
      if (unnamed === undefined) return;
      const found = await this.store.stat(unnamed);
      if (!found || found.modified >= before) return;
      await this.store.remove(unnamed);
      isRemoved = true;
    });
    return isRemoved;
  }

  async *#olderThan(before: Date): AsyncGenerator<StoredArtifact> {
    for await (const artifact of this.store.list()) if (artifact.modified < before) yield artifact;
  }

  #schedule(ms: number): void {
    this.#timer = setTimeout(() => {
      this.#current = this.#sweepNow();
    }, ms);
    this.#timer.unref();
  }

  async #sweepNow(): Promise<void> {
    let next = INTERVAL_MS;
    try {
      const removed = await this.sweep(new Date(Date.now() - LEAST_AGE_MS));
      if (removed > 0) this.log.info(`Artifacts removed that no version names: ${removed}.`);
    } catch (error) {
      next = FIRST_MS;
      this.log.warn('Artifacts that no version names cannot be swept; trying on.', error);
    }
    if (!this.#stopped) this.#schedule(next);
  }
}

async function* inBatches<T>(items: AsyncIterable<T>): AsyncGenerator<T[]> {
  let batch: T[] = [];
  for await (const item of items) {
    batch.push(item);
    if (batch.length < BATCH) continue;
    yield batch;
    batch = [];
  }
  if (batch.length > 0) yield batch;
}
