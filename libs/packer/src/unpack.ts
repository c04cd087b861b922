import { buffer } from 'node:stream/consumers';
import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import tar from 'tar-stream';
import { faultsOf, type Manifest, MeshError, manifest } from '#contracts';
import { BOOTSTRAP, executableOf, isExecutable } from './executable.js';
import { foldersOf, isArtifactFile } from './file-name.js';
import { MAX_FILES, MAX_UNPACKED_BYTES } from './limits.js';

export interface UnpackLimits {
  /** Bytes after inflating, all files and the archive's own together; {@link MAX_UNPACKED_BYTES} unless stated. */
  readonly maxBytes?: number;
  /** {@link MAX_FILES} unless stated: without assets an artifact has three. */
  readonly maxFiles?: number;
}

export interface Unpacked {
  readonly manifest: Manifest;
  /** By name, with `/` between folders; `manifest.json` is among them. */
  readonly files: ReadonlyMap<string, Uint8Array>;
  /** Names of those that may be run: none of a handler for Node, whatever the archive says of modes. */
  readonly executables: ReadonlySet<string>;
}

const DEFAULTS = { maxBytes: MAX_UNPACKED_BYTES, maxFiles: MAX_FILES } as const;
const MAX_MANIFEST_BYTES = 256 * 1024;

const NONE: ReadonlySet<string> = new Set();

const inflate = promisify(gunzip);

/**
 * Reads an artifact, whatever the bytes are; nothing is written anywhere.
 * @throws MeshError `bad-artifact` with the reason
 */
export async function unpack(artifact: Uint8Array, limits: UnpackLimits = {}): Promise<Unpacked> {
  const { maxBytes, maxFiles } = { ...DEFAULTS, ...limits };
  const { files, executables } = await readFiles(await inflateBounded(artifact, maxBytes), maxFiles);
  const parsed = readManifest(files.get('manifest.json'));
  const executable = executableOf(parsed);
  if (executable !== undefined && parsed.entry !== executable)
    throw bad(`the entry of a provided runtime is ${executable}`);
  if (!files.has(parsed.entry)) throw bad(`its manifest names ${parsed.entry}, which is not in it`);
  return { manifest: parsed, files, executables: executable === undefined ? NONE : executables };
}

/** Stops as soon as the bound is passed: a small archive can inflate to a thousand times its size. */
async function inflateBounded(artifact: Uint8Array, maxOutputLength: number): Promise<Uint8Array> {
  try {
    return await inflate(artifact, { maxOutputLength });
  } catch (error) {
    const isTooLarge = (error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE';
    throw bad(isTooLarge ? `it inflates to more than ${maxOutputLength} bytes` : 'it is not gzip');
  }
}

async function readFiles(bytes: Uint8Array, maxFiles: number): Promise<Omit<Unpacked, 'manifest'>> {
  const files = new Map<string, Uint8Array>();
  const executables = new Set([BOOTSTRAP]);
  const folders = new Set<string>();
  const extract = tar.extract();
  extract.end(bytes);
  try {
    for await (const entry of extract) {
      const name = checkEntry(entry.header, files, maxFiles);
      for (const folder of foldersOf(name)) folders.add(folder);
      if (isExecutable(entry.header.mode)) executables.add(name);
      files.set(name, await buffer(entry));
    }
  } catch (error) {
    throw error instanceof MeshError ? error : bad('it is not a whole tar archive');
  } finally {
    extract.destroy();
  }
  for (const folder of folders)
    if (files.has(folder)) throw bad(`${JSON.stringify(folder)} is a file and a folder in it`);
  return { files, executables };
}

function checkEntry(
  { name, type }: { name: string; type?: string | null | undefined },
  files: ReadonlyMap<string, unknown>,
  maxFiles: number,
): string {
  const shown = JSON.stringify(name.slice(0, 100));
  if (type !== 'file') throw bad(`${shown} is a ${type}: only files are taken`);
  if (!isArtifactFile(name)) throw bad(`${shown} is not a plain file name`);
  if (files.has(name)) throw bad(`${shown} is in it twice`);
  if (files.size >= maxFiles) throw bad(`it has more than ${maxFiles} files`);
  return name;
}

function readManifest(bytes: Uint8Array | undefined): Manifest {
  if (!bytes) throw bad('it has no manifest.json');
  if (bytes.length > MAX_MANIFEST_BYTES) throw bad(`its manifest is larger than ${MAX_MANIFEST_BYTES} bytes`);
  const parsed = manifest.safeParse(parseJson(bytes));
  if (!parsed.success)
    throw bad(`its manifest is faulty: ${faultsOf(parsed.error).join('; ').slice(0, 1000)}`);
  return parsed.data;
}

function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch {
    throw bad('its manifest is not JSON');
  }
}

const bad = (why: string) => new MeshError('bad-artifact', `The artifact is refused: ${why}.`);
