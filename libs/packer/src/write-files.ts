import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';

/**
 * Writes an artifact's files below a folder, which is made; for this user alone.
 * @param files as {@link unpack} gave them, so that no name leads out
 * @param executable the one file that may be run, whatever the archive says of modes
 */
export async function writeFiles(
  folder: string,
  files: ReadonlyMap<string, Uint8Array>,
  executable?: string,
): Promise<void> {
  const folders = new Set([folder, ...[...files.keys()].map((name) => dirname(join(folder, name)))]);
  for (const path of folders) await mkdir(path, { recursive: true, mode: 0o700 });
  for (const [name, bytes] of files)
    await writeFile(join(folder, name), bytes, { mode: name === executable ? 0o700 : 0o600 });
}
