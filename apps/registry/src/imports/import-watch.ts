import type { Blob, ImportSource } from '#artifacts';
import type { Log } from '#lifecycle';
import type { ImportItem } from './importer.js';

/** Takes these artifacts of a source through the one door. */
export type ImportBlobs = (source: ImportSource, blobs: readonly Blob[]) => AsyncIterable<ImportItem>;

/**
 * Looks into sources now and then, and imports what is new there or has changed. What was taken, or refused, is not
 * read again until its tag changes. Several registries may watch the same source: to publish the same again changes
 * nothing.
 */
export class ImportWatch {
  /** By source and key: the tag that was dealt with. */
  readonly #seen = new Map<ImportSource, Map<string, string>>();
  #timer: NodeJS.Timeout | undefined;
  #current: Promise<void> | undefined;
  /** Sources that could not be read the last time: said once an outage. */
  readonly #failing = new Set<ImportSource>();
  #stopped = false;

  constructor(
    private readonly sources: readonly ImportSource[],
    private readonly intervalMs: number,
    private readonly importBlobs: ImportBlobs,
    private readonly log: Log,
  ) {}

  start(): void {
    if (this.sources.length > 0) this.#schedule(0);
  }

  /** Resolves when what is being published is published. */
  async stop(): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#timer);
    await this.#current;
    for (const source of this.sources) source.close();
  }

  #schedule(ms: number): void {
    this.#timer = setTimeout(() => {
      this.#current = this.#look().then(() => {
        if (!this.#stopped) this.#schedule(this.intervalMs);
      });
    }, ms);
  }

  /** One after the other: an import takes memory. */
  async #look(): Promise<void> {
    for (const source of this.sources) {
      try {
        await this.#lookInto(source);
        if (this.#failing.delete(source)) this.log.info(`Importing from ${source.name} goes on.`);
      } catch (error) {
        if (!this.#failing.has(source)) this.log.warn(`Cannot import from ${source.name}; trying on.`, error);
        this.#failing.add(source);
      }
    }
  }

  async #lookInto(source: ImportSource): Promise<void> {
    const listed = await source.list();
    const seen = this.#seenOf(source);
    const keys = new Set(listed.map(({ name }) => name));
    for (const key of seen.keys()) if (!keys.has(key)) seen.delete(key);
    const changed = listed.filter(({ name, tag }) => seen.get(name) !== tag);
    const tags = new Map(changed.map(({ name, tag }) => [name, tag]));
    if (changed.length === 0) return;
    for await (const item of this.importBlobs(source, changed)) {
      seen.set(item.key, tags.get(item.key) ?? '');
      this.#tell(source, item);
      if (this.#stopped) return;
    }
  }

  #tell(source: ImportSource, { key, path, version, result, reason, cause }: ImportItem): void {
    if (result === 'created') this.log.info(`Imported ${path}@${version} from ${source.name}, ${key}.`);
    if (result === 'refused')
      this.log.warn(
        `Not imported from ${source.name}, ${key}: ${reason} It is looked at again when it changes.`,
        cause,
      );
  }

  #seenOf(source: ImportSource): Map<string, string> {
    const seen = this.#seen.get(source) ?? new Map<string, string>();
    this.#seen.set(source, seen);
    return seen;
  }
}
