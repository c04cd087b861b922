import { mkdir, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Manifest, ManifestInput } from '#contracts';
import { archive } from './archive.js';
import { assetFile, readAssets } from './assets.js';
import { bundle, ENTRY_FILE, filesOf, MAP_FILE } from './bundle.js';
import { commitOf } from './commit.js';
import { digestOf } from './digest.js';
import { readSources, type Source } from './entry.js';
import { type Given, makeManifest } from './make-manifest.js';
import { PackError } from './pack-error.js';
import { isProvided, providedManifest, readProvided } from './provided.js';
import { type ModuleExport, readModule } from './read-module.js';
import { checkSize, type SizeLimits } from './size.js';

export interface PackOptions {
  /** Also writes the artifact there, as `users-find-1.0.0.tgz`. */
  readonly outDir?: string;
  /** Makes another version of the one that the sources state. */
  readonly version?: (stated: string) => string;
  /** Notes the git commit in the manifest, when nothing was changed since. Off unless stated. */
  readonly commit?: boolean;
  readonly limits?: SizeLimits;
}

export interface Packed {
  readonly manifest: Manifest;
  /** `sha256:…` of the artifact. */
  readonly digest: string;
  readonly artifact: Uint8Array;
  /** Bytes of the artifact. */
  readonly size: number;
  /** Absolute paths of the files that it was made from, packages' and assets included. */
  readonly inputs: readonly string[];
}

/**
 * Packs the one handler of a folder.
 * @throws PackError with a code, the reason and a remedy
 */
export async function pack(folder: string, options: PackOptions = {}): Promise<Packed> {
  const sources = await readSources(folder);
  const [source] = sources;
  if (source && sources.length === 1) return packSource(source, options);
  throw new PackError(
    'several-handlers',
    `There are several handlers in ${folder}: ${sources.map(({ stated }) => stated.path).join(', ')}.`,
    'Pack them all.',
  );
}

/**
 * Packs every handler of a folder, each into an artifact of its own.
 * @throws PackError for the first that cannot be packed
 */
export async function packAll(folder: string, options: PackOptions = {}): Promise<Packed[]> {
  const packed: Packed[] = [];
  // One after the other: a bundle can take hundreds of megabytes while it is made.
  for (const source of await readSources(folder)) packed.push(await packSource(source, options));
  return packed;
}

async function packSource(source: Source, options: PackOptions): Promise<Packed> {
  if (isProvided(source)) return packProvided(source, options);
  const bundled = await bundle(source);
  const assets = await readAssets(source);
  const files = new Map([[ENTRY_FILE, bundled.code], [MAP_FILE, bundled.map], ...bundled.addons, ...assets]);
  const manifest = makeManifest(await readModule(files), source, await givenBy(source, options));
  const inputs = [...filesOf(bundled, source), ...[...assets.keys()].map((name) => assetFile(source, name))];
  return wrap(manifest, files, bundled.inputs, inputs, options);
}

/** What a module that no manifest and no package.json describes is packed as, unless it is made with `handler(…)`. */
export type PlainModule = Pick<ManifestInput, 'path' | 'version' | 'export' | 'event'>;

/**
 * Packs one module, whatever stands beside it.
 * @param at folder, and the module's path below it
 * @throws PackError
 */
export async function packModule(at: Pick<Source, 'folder' | 'entry'>, plain: PlainModule): Promise<Packed> {
  const source: Source = { ...at, packageJson: {}, stated: {}, assets: [] };
  const bundled = await bundle(source);
  const files = new Map([[ENTRY_FILE, bundled.code], [MAP_FILE, bundled.map], ...bundled.addons]);
  const exports = await readModule(files);
  const manifest = makeManifest(exports, { packageJson: {}, stated: statedFor(exports, plain) });
  return wrap(manifest, files, bundled.inputs, filesOf(bundled, source), {});
}

/** A definition says its path itself. */
function statedFor(exports: readonly ModuleExport[], plain: PlainModule): Record<string, unknown> {
  const definitions = exports.filter(({ kind }) => kind === 'definition');
  const named = definitions.find(({ name }) => name === plain.export);
  if (named) return { path: named.path, version: plain.version, export: named.name };
  return definitions.length > 0 && plain.export === undefined ? { version: plain.version } : { ...plain };
}

async function packProvided(source: Source, options: PackOptions): Promise<Packed> {
  const { files, executables } = await readProvided(source);
  const manifest = providedManifest(source, await givenBy(source, options));
  const inputs = [...files.keys()].map((name) => join(source.folder, name));
  return wrap(manifest, files, new Map(), inputs, options, executables);
}

const givenBy = async ({ folder }: Source, { version, commit }: PackOptions): Promise<Given> => ({
  version,
  commit: commit ? await commitOf(folder) : undefined,
});

async function wrap(
  manifest: Manifest,
  files: ReadonlyMap<string, Uint8Array>,
  sizes: ReadonlyMap<string, number>,
  inputs: readonly string[],
  { limits, outDir }: PackOptions,
  executables?: ReadonlySet<string>,
): Promise<Packed> {
  const whole = new Map([['manifest.json', manifestBytes(manifest)], ...files]);
  const artifact = await archive(whole, executables);
  checkSize(artifact, whole, { inputs: sizes }, limits);
  if (outDir !== undefined) await write(outDir, manifest, artifact);
  return { manifest, digest: digestOf(artifact), artifact, size: artifact.length, inputs };
}

const manifestBytes = (manifest: Manifest): Uint8Array =>
  Buffer.from(`${JSON.stringify(manifest, null, 2)}\n`);

/** Where {@link PackOptions.outDir} puts an artifact. */
export const artifactFile = ({ path, version }: Manifest): string =>
  `${path.replaceAll('/', '-')}-${version}.tgz`;

async function write(outDir: string, manifest: Manifest, artifact: Uint8Array): Promise<void> {
  const file = join(outDir, artifactFile(manifest));
  await mkdir(outDir, { recursive: true });
  // By rename, so that nobody reads half an artifact.
  await writeFile(`${file}.part`, artifact);
  await rename(`${file}.part`, file);
}
