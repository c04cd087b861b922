import { faultsOf, type Manifest, manifest } from '#contracts';
import { ENTRY_FILE } from './bundle.js';
import type { Source } from './entry.js';
import { PackError } from './pack-error.js';
import type { ModuleExport } from './read-module.js';

const PLAIN_NAMES = new Set(['default', 'handler', 'handle', 'handleEvent']);

/** What neither the module nor package.json says. */
export interface Given {
  /** Makes another version of the one that is stated. */
  readonly version?: ((stated: string) => string) | undefined;
  readonly commit?: string | undefined;
}

/**
 * The manifest: what the definition says, then package.json's "mesh", then package.json itself.
 * @throws PackError `no-handler`, `several-handlers`, `path-conflict`, `no-path`, `no-version`, `bad-manifest`
 */
export function makeManifest(
  exports: readonly ModuleExport[],
  { stated, packageJson }: Pick<Source, 'stated' | 'packageJson'>,
  given: Given = {},
): Manifest {
  const definition = chooseDefinition(exports, stated);
  if (!definition) checkPlain(exports, stated);
  const path = definition?.path ?? stated.path;
  if (path === undefined) throw noPath();
  const version = definition?.options?.version ?? stated.version ?? packageJson.version;
  if (version === undefined) throw noVersion();
  return check({
    ...(packageJson.description ? { description: packageJson.description } : {}),
    ...stated,
    ...definition?.options,
    path,
    entry: ENTRY_FILE,
    version: typeof version === 'string' && given.version ? given.version(version) : version,
    ...(given.commit === undefined ? {} : { commit: given.commit }),
  });
}

function chooseDefinition(
  exports: readonly ModuleExport[],
  stated: Readonly<Record<string, unknown>>,
): ModuleExport | undefined {
  const found = exports.filter(({ kind }) => kind === 'definition');
  const distinct = found.filter((one, index) => found.findIndex(({ path }) => path === one.path) === index);
  const chosen = distinct.find(({ path }) => path === stated.path) ?? distinct[0];
  if (distinct.length > 1 && chosen?.path !== stated.path) throw several(distinct);
  if (chosen && stated.path !== undefined && chosen.path !== stated.path)
    throw new PackError(
      'path-conflict',
      `The module defines "${chosen.path}", and package.json's "mesh" says "${String(stated.path)}".`,
      'Remove one of them.',
    );
  return chosen;
}

function several(definitions: readonly ModuleExport[]): PackError {
  return new PackError(
    'several-handlers',
    `The module defines several handlers: ${definitions.map(({ path }) => path).join(', ')}.`,
    'Give each a file of its own and list them in package.json: "mesh": { "handlers": { "users/find": "src/find.ts" } }; or name one path: "mesh": { "path": "…" }.',
  );
}

/** A plain export is one of four names, or the one that "mesh" names. */
function checkPlain(exports: readonly ModuleExport[], stated: Readonly<Record<string, unknown>>): void {
  const usable = exports.some(
    ({ name, kind }) =>
      kind === 'function' && (stated.export === undefined ? PLAIN_NAMES.has(name) : name === stated.export),
  );
  if (usable) return;
  throw new PackError(
    'no-handler',
    `The module exports no handler; it exports: ${exports.map(({ name }) => name).join(', ') || 'nothing'}.`,
    "Write `export default handler('users/find', …)`, or export a function named handle, handler or handleEvent.",
  );
}

function check(merged: object): Manifest {
  const parsed = manifest.safeParse(merged);
  if (parsed.success) return parsed.data;
  throw new PackError(
    'bad-manifest',
    `The handler's options are not a manifest.\n${faultsOf(parsed.error).join('\n')}\n`,
    'Correct the options of handler(…) or package.json\'s "mesh".',
  );
}

const noPath = () =>
  new PackError(
    'no-path',
    'The module does not say its control path.',
    'Write `export default handler(\'users/find\', …)`, or add "mesh": { "path": "users/find" } to package.json.',
  );

const noVersion = () =>
  new PackError(
    'no-version',
    'The handler has no version.',
    "Write handler('…', { version: '1.0.0' }, …), or add \"version\" to package.json.",
  );
