import { type FSWatcher, watch } from 'node:fs';
import { basename, dirname, join } from 'node:path';

/** Editors write a file in several steps; what comes within this time, ms, is one change. */
const QUIET_MS = 60;

/**
 * Watches the folders of given files, not the files themselves: many editors write another file and rename it. Of a
 * folder only the given files count, and package.json.
 */
export class Watch {
  readonly #watchers = new Map<string, FSWatcher>();
  readonly #onChange: () => void;
  #files = new Set<string>();
  #timer: NodeJS.Timeout | undefined;
  #isFirst = true;

  constructor(
    private readonly folder: string,
    onChange: () => void,
  ) {
    this.#onChange = onChange;
  }

  /** From now on these files. Without any, until the first ones are known, every source file of the folder counts. */
  follow(files: readonly string[]): void {
    this.#isFirst = files.length === 0;
    this.#files = new Set([...files, join(this.folder, 'package.json')]);
    const folders = new Set([...this.#files].map((file) => dirname(file)));
    for (const [folder, watcher] of this.#watchers)
      if (!folders.has(folder)) {
        watcher.close();
        this.#watchers.delete(folder);
      }
    for (const folder of folders) if (!this.#watchers.has(folder)) this.#open(folder);
  }

  close(): void {
    clearTimeout(this.#timer);
    for (const watcher of this.#watchers.values()) watcher.close();
    this.#watchers.clear();
  }

  #open(folder: string): void {
    const watcher = watch(folder, (_event, name) => {
      if (name === null || this.#counts(join(folder, name))) this.#changed();
    });
    // A folder that is removed ends its watcher; the next pack says what is missing.
    watcher.on('error', () => watcher.close());
    this.#watchers.set(folder, watcher);
  }

  #counts(file: string): boolean {
    return this.#files.has(file) || (this.#isFirst && /\.[cm]?[jt]s$/.test(basename(file)));
  }

  #changed(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(this.#onChange, QUIET_MS);
  }
}
