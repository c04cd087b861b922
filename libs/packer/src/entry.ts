import { readFile, realpath, stat } from 'node:fs/promises';
import { isAbsolute, join, relative, resolve } from 'node:path';
import { BOOTSTRAP } from './executable.js';
import { PackError } from './pack-error.js';

/** One handler to be packed: where it is, and what its package.json says of it. */
export interface Source {
  /** Absolute, without symbolic links. */
  readonly folder: string;
  /** Relative to the folder. */
  readonly entry: string;
  readonly packageJson: PackageJson;
  /** Fields of the manifest as "mesh" states them. */
  readonly stated: Readonly<Record<string, unknown>>;
  /** Patterns of files that are packed along, relative to the folder. */
  readonly assets: readonly string[];
}

export interface PackageJson {
  readonly version?: string;
  readonly description?: string;
  readonly main?: string;
  /** What a plain export cannot say of itself: a manifest's fields, "assets", and "handlers" where there are several. */
  readonly mesh?: Mesh;
}

interface Mesh {
  readonly handlers?: unknown;
  readonly assets?: unknown;
  readonly [field: string]: unknown;
}

const NAMES = ['handler', 'index', 'src/handler', 'src/index'];
const ENDINGS = ['.ts', '.mts', '.mjs', '.js', '.cjs'];
const CANDIDATES = NAMES.flatMap((name) => ENDINGS.map((ending) => name + ending));

/**
 * The handlers of a folder: the one of a provided runtime, those of `"mesh": { "handlers": { "orders/total": "src/total.ts" } }`, else the one.
 * @throws PackError `no-folder`, `bad-package-json`, `no-entry`
 */
export async function readSources(path: string): Promise<Source[]> {
  const folder = await realpath(resolve(path)).catch(() => undefined);
  if (folder === undefined || !(await stat(folder)).isDirectory())
    throw new PackError(
      'no-folder',
      `There is no folder ${path}.`,
      'Name the folder that holds the handler.',
    );
  const packageJson = await readPackageJson(folder);
  const { handlers, ...stated } = (await readMeshJson(folder)) ?? packageJson.mesh ?? {};
  if (stated.runtime === 'provided') return [sourceOf(folder, packageJson, stated, BOOTSTRAP)];
  if (handlers === undefined)
    return [sourceOf(folder, packageJson, stated, await findEntry(folder, packageJson))];
  return Promise.all(
    entriesOf(handlers, folder).map(async ([controlPath, { entry, ...own }]) => {
      const found = await checkEntry(folder, entry, `"handlers"`);
      return sourceOf(folder, packageJson, { ...stated, ...own, path: controlPath }, found);
    }),
  );
}

function sourceOf(folder: string, packageJson: PackageJson, mesh: Mesh, entry: string): Source {
  const { assets, ...stated } = mesh;
  const patterns = assets ?? [];
  if (!Array.isArray(patterns) || !patterns.every((pattern) => typeof pattern === 'string'))
    throw badPackageJson(folder, '"assets" of "mesh" is no list of patterns', '["templates/*.html"]');
  return { folder, entry, packageJson, stated, assets: patterns };
}

type HandlerEntry = { readonly entry: string; readonly [field: string]: unknown };

function entriesOf(handlers: unknown, folder: string): [string, HandlerEntry][] {
  const shape = '{ "orders/total": "src/total.ts" }';
  if (!isRecord(handlers) || Object.keys(handlers).length === 0)
    throw badPackageJson(folder, '"handlers" of "mesh" is no object with handlers', shape);
  return Object.entries(handlers).map(([path, value]) => {
    if (typeof value === 'string') return [path, { entry: value }];
    if (isRecord(value) && typeof value.entry === 'string') return [path, value as HandlerEntry];
    throw badPackageJson(folder, `"${path}" in "handlers" names no file`, shape);
  });
}

async function readPackageJson(folder: string): Promise<PackageJson> {
  const text = await readFile(join(folder, 'package.json'), 'utf8').catch(() => '{}');
  const parsed = parse(text);
  if (!isRecord(parsed))
    throw new PackError('bad-package-json', `${folder}/package.json is no JSON object.`, 'Correct it.');
  if (parsed.mesh !== undefined && !isRecord(parsed.mesh))
    throw badPackageJson(folder, '"mesh" is no object', '{ "path": "users/find" }');
  return parsed;
}

/** What package.json's "mesh" says, with version and description, for a folder that is no package of npm. */
async function readMeshJson(folder: string): Promise<Mesh | undefined> {
  const text = await readFile(join(folder, 'mesh.json'), 'utf8').catch(() => undefined);
  if (text === undefined) return undefined;
  const parsed = parse(text);
  if (isRecord(parsed)) return parsed;
  throw new PackError('bad-package-json', `${folder}/mesh.json is no JSON object.`, 'Correct it.');
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const badPackageJson = (folder: string, what: string, example: string) =>
  new PackError('bad-package-json', `In ${folder}/package.json ${what}.`, `Write it as ${example}.`);

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

async function findEntry(folder: string, { main }: PackageJson): Promise<string> {
  if (typeof main === 'string') return checkEntry(folder, main, '"main"');
  for (const candidate of CANDIDATES) if (await isFile(join(folder, candidate))) return candidate;
  throw new PackError(
    'no-entry',
    `There is no handler in ${folder}.`,
    'Add handler.ts (or handler.js, index.ts, src/handler.ts), or name the file in package.json\'s "main".',
  );
}

async function checkEntry(folder: string, file: string, where: string): Promise<string> {
  const entry = relative(folder, resolve(folder, file));
  if (!entry.startsWith('..') && !isAbsolute(entry) && (await isFile(join(folder, entry)))) return entry;
  throw new PackError(
    'no-entry',
    `package.json names ${JSON.stringify(file)} in ${where}, and there is no such file in ${folder}.`,
    `Correct ${where}, or build the file first.`,
  );
}

async function isFile(path: string): Promise<boolean> {
  const found = await stat(path).catch(() => undefined);
  return found?.isFile() ?? false;
}
