import { readdir, readFile, realpath, stat } from 'node:fs/promises';
import { join, sep } from 'node:path';
import { faultsOf, type Manifest, manifest } from '#contracts';
import { matches } from './assets.js';
import type { Source } from './entry.js';
import { BOOTSTRAP, isExecutable } from './executable.js';
import { isArtifactFile } from './file-name.js';
import type { Given } from './make-manifest.js';
import { PackError } from './pack-error.js';
import type { Unpacked } from './unpack.js';

/*
 * A handler in any language (`"runtime": "provided"`): the folder as it is, with an executable file `bootstrap` that
 * polls AWS Lambda's Runtime API. Nothing is bundled, and nothing of it is run in order to pack it.
 */

/** What states the manifest, and what only a checkout has. */
const LEFT_OUT = new Set(['mesh.json', 'package.json', 'package-lock.json', 'node_modules']);

export const isProvided = ({ stated }: Pick<Source, 'stated'>): boolean => stated.runtime === 'provided';

/** The files of such a folder by name, and which of them may be run. */
type Contents = Omit<Unpacked, 'manifest'>;

/**
 * What such a folder has: those that "assets" names, else all but hidden ones and what describes the folder.
 * @throws PackError `no-bootstrap`, `bad-asset`
 */
export async function readProvided({ folder, assets }: Source): Promise<Contents> {
  await checkBootstrap(folder);
  const found = assets.length > 0 ? await matches(folder, assets) : await filesBelow(folder);
  const files = new Map<string, Uint8Array>();
  const executables = new Set([BOOTSTRAP]);
  for (const path of new Set([join(folder, BOOTSTRAP), ...found])) {
    const name = nameOf(folder, path);
    if (!(await realpath(path)).startsWith(folder + sep))
      throw badFile(`${name} is a link that leads out of the folder`, 'Copy the file itself');
    if (isExecutable((await stat(path)).mode)) executables.add(name);
    files.set(name, await readFile(path));
  }
  return { files, executables };
}

async function checkBootstrap(folder: string): Promise<void> {
  const found = await stat(join(folder, BOOTSTRAP)).catch(() => undefined);
  if (found?.isFile() && (found.mode & 0o111) !== 0) return;
  throw new PackError(
    'no-bootstrap',
    found
      ? `${folder}/${BOOTSTRAP} is not an executable file.`
      : `There is no file ${BOOTSTRAP} in ${folder}.`,
    `A provided runtime begins with an executable file ${BOOTSTRAP}: a script with a #! line, or a program. Then: chmod +x ${BOOTSTRAP}`,
  );
}

/** In the order of names, so that equal folders make equal artifacts. */
async function filesBelow(folder: string): Promise<string[]> {
  const files: string[] = [];
  const entries = await readdir(folder);
  for (const name of entries.sort()) {
    if (name.startsWith('.') || LEFT_OUT.has(name)) continue;
    const path = join(folder, name);
    // Of a link: what it leads to. Where that lies is looked at later.
    const found = await stat(path).catch(() => undefined);
    if (found?.isDirectory()) files.push(...(await filesBelow(path)));
    else if (found?.isFile()) files.push(path);
  }
  return files;
}

function nameOf(folder: string, path: string): string {
  const name = path
    .slice(folder.length + 1)
    .split(sep)
    .join('/');
  if (name === 'manifest.json')
    throw badFile('manifest.json has the name of a file that packing makes', 'Rename it');
  if (isArtifactFile(name)) return name;
  throw badFile(
    `The file ${JSON.stringify(name)} has a name that an artifact cannot hold`,
    'Use letters, digits and "_", "-", ".", "@", "+", "~" alone, sixteen folders deep at most, or name what is needed in "assets"',
  );
}

const badFile = (reason: string, remedy: string) => new PackError('bad-asset', `${reason}.`, `${remedy}.`);

/**
 * The manifest of such a folder: what mesh.json or package.json's "mesh" states.
 * @throws PackError `no-path`, `no-version`, `bad-manifest`
 */
export function providedManifest({ stated, packageJson }: Source, given: Given = {}): Manifest {
  const version = stated.version ?? packageJson.version;
  if (stated.path === undefined) throw missing('no-path', 'control path', '"path": "users/find"');
  if (version === undefined) throw missing('no-version', 'version', '"version": "1.0.0"');
  const parsed = manifest.safeParse({
    ...(packageJson.description ? { description: packageJson.description } : {}),
    ...stated,
    entry: BOOTSTRAP,
    version: typeof version === 'string' && given.version ? given.version(version) : version,
    ...(given.commit === undefined ? {} : { commit: given.commit }),
  });
  if (parsed.success) return parsed.data;
  throw new PackError(
    'bad-manifest',
    `What it states is not a manifest.\n${faultsOf(parsed.error).join('\n')}\n`,
    'Correct mesh.json, or package.json\'s "mesh".',
  );
}

const missing = (code: 'no-path' | 'no-version', what: string, example: string) =>
  new PackError(code, `The handler has no ${what}.`, `Add ${example} to mesh.json.`);
