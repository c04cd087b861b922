import { existsSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { type BuildFailure, build, type Message, type Metafile } from 'esbuild';
import { addons } from './addons.js';
import type { Source } from './entry.js';
import { PackError } from './pack-error.js';
import { canonicalMap } from './source-map.js';

/** One ES module with all that the handler needs, its source map, and native add-ons beside it. */
export interface Bundle {
  readonly code: Uint8Array;
  readonly map: Uint8Array;
  /** By plain file name. */
  readonly addons: ReadonlyMap<string, Uint8Array>;
  /** Bytes that each source file takes in the module, by path relative to the folder. */
  readonly inputs: ReadonlyMap<string, number>;
}

export const ENTRY_FILE = 'handler.mjs';
export const MAP_FILE = `${ENTRY_FILE}.map`;

/**
 * Native extras that packages use if they are there and do without if not. They are never looked for at pack time:
 * what one machine has installed must not change the artifact.
 */
const OPTIONAL_NATIVE = ['pg-native', 'bufferutil', 'utf-8-validate', 'cpu-features'];

/** CommonJS packages inside an ES module still expect these three names. */
const COMMONJS_NAMES = [
  "import { createRequire as __meshRequire } from 'node:module';",
  "import { dirname as __meshDirname } from 'node:path';",
  "import { fileURLToPath as __meshPath } from 'node:url';",
  'const require = __meshRequire(import.meta.url);',
  'const __filename = __meshPath(import.meta.url);',
  'const __dirname = __meshDirname(__filename);',
].join('');

/** @throws PackError `bundle-failed` with file and line of each fault */
export async function bundle(source: Source): Promise<Bundle> {
  const { outputFiles, metafile } = await run(source);
  const output = (ending: string) => outputFiles.find(({ path }) => path.endsWith(ending))?.contents;
  const [code, map] = [output(ENTRY_FILE), output(MAP_FILE)];
  if (!code || !map) throw new Error('esbuild gave no output');
  const native = outputFiles.filter(({ path }) => path.endsWith('.node'));
  return {
    code,
    map: await canonicalMap(map, outFolder(source), source.folder),
    // In one order: esbuild's follows the paths of the sources.
    addons: new Map(native.map(({ path, contents }) => [basename(path), contents] as const).sort(byName)),
    inputs: inputsOf(metafile),
  };
}

const byName = ([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number => (a < b ? -1 : 1);

/** Files that the module was made from, to be watched. Those of a plugin's making are none. */
export const filesOf = ({ inputs }: Bundle, { folder }: Source): string[] =>
  [...inputs.keys()].filter((path) => !path.includes(':')).map((path) => resolve(folder, path));

function inputsOf({ outputs, inputs }: Metafile): Map<string, number> {
  const sizes = new Map(Object.keys(inputs).map((path) => [path, 0]));
  for (const output of Object.values(outputs))
    for (const [path, { bytesInOutput }] of Object.entries(output.inputs))
      sizes.set(path, (sizes.get(path) ?? 0) + bytesInOutput);
  return sizes;
}

// Nothing is written there: it is where the source map's paths start from, and never an input's own name.
const outFolder = ({ folder }: Source): string => join(folder, '.mesh-out');

async function run(source: Source) {
  const { folder, entry } = source;
  const tsconfig = join(folder, 'tsconfig.json');
  try {
    return await build({
      absWorkingDir: folder,
      entryPoints: [entry],
      outfile: join(outFolder(source), ENTRY_FILE),
      write: false,
      metafile: true,
      bundle: true,
      format: 'esm',
      platform: 'node',
      target: 'node24',
      banner: { js: COMMONJS_NAMES },
      external: OPTIONAL_NATIVE,
      plugins: [addons],
      loader: { '.node': 'copy' },
      assetNames: '[name]-[hash]',
      sourcemap: 'linked',
      sourcesContent: false,
      // Unminified output holds the paths of modules, which depend on where the folder lies. Names are kept for logs.
      minify: true,
      keepNames: true,
      charset: 'utf8',
      legalComments: 'none',
      logLevel: 'silent',
      // The folder's own settings or none: those of a folder above are not part of the handler.
      ...(existsSync(tsconfig) ? { tsconfig } : { tsconfigRaw: {} }),
    });
  } catch (error) {
    throw bundleError(error as BuildFailure, folder);
  }
}

function bundleError(failure: BuildFailure, folder: string): PackError {
  const messages = failure.errors ?? [];
  const reason = messages.length > 0 ? messages.map(lineOf).join('\n') : String(failure);
  const isMissing = messages.some(({ text }) => text.startsWith('Could not resolve'));
  const isNative = messages.some(({ text }) => text.includes('".node"'));
  const remedy = isNative
    ? `Build the native add-on first: npm rebuild in ${folder}.`
    : isMissing
      ? `Install what is missing: npm install in ${folder}.`
      : 'Correct it and pack again.';
  return new PackError('bundle-failed', `The handler cannot be bundled.\n${reason}\n`, remedy, {
    cause: failure,
  });
}

function lineOf({ location, text }: Message): string {
  return location ? `${location.file}:${location.line}:${location.column + 1}: ${text}` : text;
}
