import { closeSync, mkdirSync, mkdtempSync, openSync, readSync } from 'node:fs';
import { lstat, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

let root: string | undefined;
let made = 0;

/** The folder of this process in which every child has its own. */
export const scratchRoot = (): string => {
  root ??= mkdtempSync(join(tmpdir(), `lambda-mesh-scratch-${process.pid}-`));
  return root;
};

/** What one child may write: its folder; and, as an open file alone, how many runs it has begun. */
export class Scratch {
  readonly folder: string;
  readonly ledger: number;
  #begun: number | undefined;

  constructor() {
    const place = join(scratchRoot(), String(made++));
    this.folder = join(place, 'scratch');
    mkdirSync(this.folder, { recursive: true, mode: 0o700 });
    this.ledger = openSync(join(place, 'begun'), 'w+', 0o600);
  }

  begun(): number {
    if (this.#begun !== undefined) return this.#begun;
    const count = Buffer.alloc(4);
    readSync(this.ledger, count, 0, 4, 0);
    return count.readUInt32LE(0);
  }

  /** The child is gone. */
  async remove(): Promise<void> {
    this.#begun = this.begun();
    closeSync(this.ledger);
    await rm(join(this.folder, '..'), { recursive: true, force: true });
  }
}

/** So many files and folders are counted at most: more are too many, whatever is in them. */
const MOST_ENTRIES = 10_000;

/** Bytes that a folder takes on the disk; infinitely many when it has too many entries to be counted. */
export async function bytesIn(folder: string): Promise<number> {
  const folders = [folder];
  let bytes = 0;
  let entries = 0;
  for (let next = folders.pop(); next !== undefined; next = folders.pop())
    for (const entry of await readdir(next, { withFileTypes: true }).catch(() => [])) {
      if (++entries > MOST_ENTRIES) return Number.POSITIVE_INFINITY;
      const path = join(next, entry.name);
      if (entry.isDirectory()) folders.push(path);
      else
        bytes += await lstat(path).then(
          ({ blocks }) => blocks * 512,
          () => 0,
        );
    }
  return bytes;
}
