import { type Dirent, type FSWatcher, readdirSync, watch } from 'node:fs';
import { join, sep } from 'node:path';

/** Editors write a file in several steps; what comes within this time, ms, is one change. */
const QUIET_MS = 100;
/** What handlers are made of. What they write, a log or a table, must not begin them anew. */
const SOURCE = /\.([cm]?[jt]sx?|py|json)$/;
/** Folders of what programs write for themselves, and of what they install. */
const IGNORED = /^(\..+|node_modules|site-packages|__pycache__|dist)$/;

/**
 * Calls back after sources in a folder, or below it, were saved.
 * @param tell what cannot be watched, and why
 * @returns what ends that
 */
export function onSave(folder: string, saved: () => void, tell: (why: string) => void): () => void {
  const watched = new Folders(saved, tell);
  watched.follow(folder);
  return () => watched.close();
}

/**
 * A watcher for each folder: a recursive one takes a watch of the system for every file, node_modules included, of which
 * a user has so many and no more (inotify(7), max_user_watches).
 */
class Folders {
  readonly #watchers = new Map<string, FSWatcher>();
  #timer: NodeJS.Timeout | undefined;
  #isTold = false;

  constructor(
    private readonly saved: () => void,
    private readonly tell: (why: string) => void,
  ) {}

  /** @returns whether there are sources */
  follow(folder: string): boolean {
    const entries = entriesOf(folder);
    if (!entries) return false;
    try {
      this.#watchers.set(folder, this.#open(folder));
    } catch (error) {
      this.#unwatched(error as Error);
    }
    const below = entries.filter((entry) => entry.isDirectory() && !IGNORED.test(entry.name));
    const found = below.map(({ name }) => this.follow(join(folder, name)));
    return found.includes(true) || entries.some(isSource);
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#leave('');
  }

  #open(folder: string): FSWatcher {
    const watcher = watch(folder, (event, name) => {
      if (name === null || IGNORED.test(name)) return;
      const isNew = event === 'rename' && this.#renew(join(folder, name));
      if (isNew || isSource({ name })) this.#changed();
    });
    // A folder that is removed ends its watcher.
    watcher.on('error', () => watcher.close());
    return watcher;
  }

  /** Where one cannot be watched, the next ones mostly cannot either. */
  #unwatched({ message }: Error): void {
    if (!this.#isTold) this.tell(`Not every folder is watched: ${message}`);
    this.#isTold = true;
  }

  #changed(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(this.saved, QUIET_MS);
  }

  /**
   * Something was made, moved or removed: if it was a folder, its watchers are of no use, and if it is one, they begin.
   * @returns whether it is a folder that came with sources
   */
  #renew(path: string): boolean {
    this.#leave(path);
    return this.follow(path);
  }

  /** @param path with everything below it; none: all of them */
  #leave(path: string): void {
    for (const [folder, watcher] of this.#watchers) {
      if (path !== '' && folder !== path && !folder.startsWith(path + sep)) continue;
      watcher.close();
      this.#watchers.delete(folder);
    }
  }
}

const isSource = ({ name }: Pick<Dirent, 'name'>): boolean => SOURCE.test(name) && !name.startsWith('.');

/** `undefined` of what is no folder, or none any more. */
function entriesOf(path: string): Dirent[] | undefined {
  try {
    return readdirSync(path, { withFileTypes: true });
  } catch {
    return undefined;
  }
}
