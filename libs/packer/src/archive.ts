import { buffer } from 'node:stream/consumers';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import tar from 'tar-stream';

const compress = promisify(gzip);
// The gzip header's byte for the operating system (RFC 1952, clause 2.3.1); 255 is "unknown", the same everywhere.
const OS_BYTE = 9;
const UNKNOWN_OS = 255;
const PLAIN = 0o644;
const EXECUTABLE = 0o755;

/**
 * Files as a gzip'd tar. The order, times, owners and modes are fixed, so that equal files make equal bytes.
 * @param executables names of those that may be run
 */
export async function archive(
  files: ReadonlyMap<string, Uint8Array>,
  executables: ReadonlySet<string> = new Set(),
): Promise<Uint8Array> {
  const pack = tar.pack();
  for (const [name, bytes] of files)
    pack.entry({ ...headerOf(name), mode: executables.has(name) ? EXECUTABLE : PLAIN }, Buffer.from(bytes));
  pack.finalize();
  const zipped = await compress(await buffer(pack), { level: 9 });
  zipped[OS_BYTE] = UNKNOWN_OS;
  return zipped;
}

const headerOf = (name: string) => ({ name, uid: 0, gid: 0, mtime: new Date(0), type: 'file' }) as const;
