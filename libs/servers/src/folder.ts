import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { reapTemporary } from './claim.js';

/** Where a server keeps its data. */
export interface DataFolder {
  readonly path: string;
  /** Removes a temporary folder, and one that was used in its stead; leaves a given one alone. */
  discard(other?: string): void;
}

/** The given folder, or a temporary one for a server whose data nobody will want again. */
export async function dataFolder(server: string, given: string | undefined): Promise<DataFolder> {
  if (given !== undefined) return { path: resolve(given), discard: () => undefined };
  const prefix = `mesh-${server}-`;
  await reapTemporary(tmpdir(), prefix);
  const path = mkdtempSync(join(tmpdir(), prefix));
  // Others may pass through, not look: Postgres runs as another user when root starts it.
  chmodSync(path, 0o711);
  const remove = (one: string) => rmSync(one, { recursive: true, force: true });
  return { path, discard: (other = path) => [path, other].forEach(remove) };
}
