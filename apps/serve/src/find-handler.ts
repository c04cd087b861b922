import { stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';

/** Where a handler is, by the name that it was given. */
export type Found =
  /** A module for Node; without `exported` the handler that it has. */
  | { readonly kind: 'node'; readonly file: string; readonly exported?: string }
  /** A callable for Python: `function.handler.handle`. */
  | { readonly kind: 'python'; readonly name: string };

const ENDINGS = ['.ts', '.mts', '.mjs', '.js', '.cjs'];
const DOTTED = /^[A-Za-z_]\w*(\.[A-Za-z_]\w*)+$/;

/**
 * Finds a handler.
 *
 * - `src/total.ts`, `src/total.ts#total`: that file
 * - `function.handler.handle`: the export `handle` of `function/handler.ts` (or .mts, .mjs, .js, .cjs) where there is
 *   such a file; else of Python, whose own search path decides
 *
 * @throws Error saying what is wrong with the name
 */
export async function findHandler(name: string, folder: string): Promise<Found> {
  const [path = '', exported] = name.split('#');
  if (exported !== undefined || ENDINGS.some((ending) => path.endsWith(ending)) || path.includes('/'))
    return found(await moduleFile(resolve(folder, path)), name, exported);
  if (!DOTTED.test(name))
    throw new Error(
      `${JSON.stringify(name)} is neither a dotted path such as function.handler.handle nor a file.`,
    );
  const parts = name.split('.');
  const file = await moduleFile(join(folder, ...parts.slice(0, -1)));
  return file === undefined ? { kind: 'python', name } : found(file, name, parts.at(-1));
}

function found(file: string | undefined, name: string, exported: string | undefined): Found {
  if (file === undefined) throw new Error(`There is no module for ${JSON.stringify(name)}.`);
  return { kind: 'node', file, ...(exported ? { exported } : {}) };
}

async function moduleFile(stem: string): Promise<string | undefined> {
  for (const file of [stem, ...ENDINGS.map((ending) => stem + ending)])
    if ((await stat(file).catch(() => undefined))?.isFile()) return file;
  return undefined;
}
