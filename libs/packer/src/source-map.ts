import { readFile } from 'node:fs/promises';
import { dirname, join, relative, resolve, sep } from 'node:path';

interface SourceMap {
  readonly sources: string[];
  readonly [field: string]: unknown;
}

/**
 * Rewrites a source map's paths, so that they say the same wherever the folder and its packages lie: a file of the
 * folder is relative to it, a package's file is `node_modules/<name>/…`.
 */
export async function canonicalMap(map: Uint8Array, base: string, folder: string): Promise<Uint8Array> {
  const parsed = JSON.parse(Buffer.from(map).toString()) as SourceMap;
  const sources = await Promise.all(parsed.sources.map((source) => canonical(resolve(base, source), folder)));
  return Buffer.from(JSON.stringify({ ...parsed, sources }));
}

const MODULES = `${sep}node_modules${sep}`;

async function canonical(file: string, folder: string): Promise<string> {
  const inside = file.lastIndexOf(MODULES);
  if (inside >= 0) return slashed(file.slice(inside + 1));
  if (file.startsWith(folder + sep)) return slashed(relative(folder, file));
  return slashed(await linkedPackage(file));
}

/** A package that is linked (`file:`) lies outside of node_modules; its own name stands for its folder. */
async function linkedPackage(file: string): Promise<string> {
  for (let folder = dirname(file); folder !== dirname(folder); folder = dirname(folder)) {
    const name = await packageName(folder);
    if (name !== undefined) return join('node_modules', name, relative(folder, file));
  }
  return join('outside', file.slice(file.lastIndexOf(sep) + 1));
}

async function packageName(folder: string): Promise<string | undefined> {
  try {
    const { name } = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8')) as { name?: unknown };
    return typeof name === 'string' ? name : undefined;
  } catch {
    return undefined;
  }
}

const slashed = (path: string): string => path.split(sep).join('/');
