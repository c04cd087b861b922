import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';

/**
 * Writes an artifact's files below a folder, which is made; for this user alone.
 * @param files as {@link unpack} gave them, so that no name leads out
 * @param executables names of those that may be run
 */
export async function writeFiles(
  folder: string,
  files: ReadonlyMap<string, Uint8Array>,
  executables: ReadonlySet<string> = new Set(),
): Promise<void> {
  const folders = new Set([folder, ...[...files.keys()].map((name) => dirname(join(folder, name)))]);
  for (const path of folders) await mkdir(path, { recursive: true, mode: 0o700 });
  for (const [name, bytes] of files)
    await writeFile(join(folder, name), bytes, { mode: executables.has(name) ? 0o700 : 0o600 });
}
