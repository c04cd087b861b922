import { readFile, realpath, stat } from 'node:fs/promises';
import { isAbsolute, join, relative, resolve } from 'node:path';
import { PackError } from './pack-error.js';

/** A folder to be packed: where its handler is, and what its package.json says. */
export interface Source {
  /** Absolute, without symbolic links. */
  readonly folder: string;
  /** Relative to the folder. */
  readonly entry: string;
  readonly packageJson: PackageJson;
}

export interface PackageJson {
  readonly version?: string;
  readonly description?: string;
  readonly main?: string;
  /** What a plain export cannot say of itself: a manifest's fields. */
  readonly mesh?: Readonly<Record<string, unknown>>;
}

const NAMES = ['handler', 'index', 'src/handler', 'src/index'];
const ENDINGS = ['.ts', '.mts', '.mjs', '.js', '.cjs'];
const CANDIDATES = NAMES.flatMap((name) => ENDINGS.map((ending) => name + ending));

/** @throws PackError `no-folder`, `bad-package-json`, `no-entry` */
export async function readSource(path: string): Promise<Source> {
  const folder = await realpath(resolve(path)).catch(() => undefined);
  if (folder === undefined || !(await stat(folder)).isDirectory())
    throw new PackError(
      'no-folder',
      `There is no folder ${path}.`,
      'Name the folder that holds the handler.',
    );
  const packageJson = await readPackageJson(folder);
  return { folder, packageJson, entry: await findEntry(folder, packageJson) };
}

async function readPackageJson(folder: string): Promise<PackageJson> {
  const text = await readFile(join(folder, 'package.json'), 'utf8').catch(() => '{}');
  const parsed = parse(text);
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed))
    throw new PackError('bad-package-json', `${folder}/package.json is no JSON object.`, 'Correct it.');
  const { mesh } = parsed as { mesh?: unknown };
  if (mesh !== undefined && (typeof mesh !== 'object' || mesh === null || Array.isArray(mesh)))
    throw new PackError(
      'bad-package-json',
      `"mesh" in ${folder}/package.json is no object.`,
      'Write it as { "path": "users/find" }.',
    );
  return parsed;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

async function findEntry(folder: string, { main }: PackageJson): Promise<string> {
  if (typeof main === 'string') return checkMain(folder, main);
  for (const candidate of CANDIDATES) if (await isFile(join(folder, candidate))) return candidate;
  throw new PackError(
    'no-entry',
    `There is no handler in ${folder}.`,
    'Add handler.ts (or handler.js, index.ts, src/handler.ts), or name the file in package.json\'s "main".',
  );
}

async function checkMain(folder: string, main: string): Promise<string> {
  const entry = relative(folder, resolve(folder, main));
  if (!entry.startsWith('..') && !isAbsolute(entry) && (await isFile(join(folder, entry)))) return entry;
  throw new PackError(
    'no-entry',
    `package.json names ${JSON.stringify(main)} as "main", and there is no such file in ${folder}.`,
    'Correct "main", or build the file first.',
  );
}

async function isFile(path: string): Promise<boolean> {
  const found = await stat(path).catch(() => undefined);
  return found?.isFile() ?? false;
}
