import { mkdir, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Manifest } from '#contracts';
import { archive } from './archive.js';
import { bundle, ENTRY_FILE, MAP_FILE } from './bundle.js';
import { digestOf } from './digest.js';
import { readSource } from './entry.js';
import { makeManifest } from './make-manifest.js';
import { readModule } from './read-module.js';

export interface PackOptions {
  /** Also writes the artifact there, as `users-find-1.0.0.tgz`. */
  readonly outDir?: string;
}

export interface Packed {
  readonly manifest: Manifest;
  /** `sha256:…` of the artifact. */
  readonly digest: string;
  readonly artifact: Uint8Array;
  /** Bytes of the artifact. */
  readonly size: number;
}

/**
 * Packs the handler in a folder.
 * @throws PackError with a code, the reason and a remedy
 */
export async function pack(folder: string, options: PackOptions = {}): Promise<Packed> {
  const source = await readSource(folder);
  const { code, map } = await bundle(source);
  const manifest = makeManifest(await readModule({ code, map }), source.packageJson);
  const artifact = await archive(
    new Map([
      ['manifest.json', Buffer.from(`${JSON.stringify(manifest, null, 2)}\n`)],
      [ENTRY_FILE, code],
      [MAP_FILE, map],
    ]),
  );
  if (options.outDir !== undefined) await write(options.outDir, manifest, artifact);
  return { manifest, digest: digestOf(artifact), artifact, size: artifact.length };
}

async function write(outDir: string, { path, version }: Manifest, artifact: Uint8Array): Promise<void> {
  const file = join(outDir, `${path.replaceAll('/', '-')}-${version}.tgz`);
  await mkdir(outDir, { recursive: true });
  // By rename, so that nobody reads half an artifact.
  await writeFile(`${file}.part`, artifact);
  await rename(`${file}.part`, file);
}
