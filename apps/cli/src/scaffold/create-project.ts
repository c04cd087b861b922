import { execFile } from 'node:child_process';
import { copyFile, cp, mkdir, readdir, readFile, stat, symlink, writeFile } from 'node:fs/promises';
import { basename, dirname, join, relative, resolve } from 'node:path';
import { promisify } from 'node:util';
import type { ControlPath } from '#contracts';
import { CliError, EXIT } from '../exit.js';
import { projectFolder } from '../mesh-address.js';
import type { Shell } from '../shell.js';
import { LANGUAGES, type Language, readme } from './languages.js';
import { templates } from './templates.js';

const run = promisify(execFile);
/** Where types are stripped without a flag, so that `node --test` runs TypeScript. */
const LEAST_NODE = [22, 18] as const;

export interface Project {
  /** Relative to where the command was called. */
  readonly folder: string;
  readonly path: ControlPath;
  readonly files: readonly string[];
}

/** @throws CliError when the folder holds anything, or npm cannot install what came along */
export async function createProject(
  shell: Shell,
  path: ControlPath,
  name: string,
  { install, git }: { install: boolean; git: boolean },
): Promise<Project> {
  const folder = resolve(shell.folder, name);
  await refuseFilled(folder);
  const tarball = await handlerTarball();
  const vendored = `vendor/${basename(tarball.name)}`;
  const files = templates(path, packageName(folder), vendored);
  await mkdir(join(folder, 'vendor'), { recursive: true });
  for (const [file, text] of Object.entries(files)) await writeFile(join(folder, file), text);
  await copyFile(tarball.file, join(folder, vendored));
  if (install) await shell.during('npm install', () => installPackages(shell, folder));
  if (git) await makeRepository(shell, folder);
  return { folder: relative(shell.folder, folder) || '.', path, files: [...Object.keys(files), vendored] };
}

/**
 * Makes a handler in another language than JavaScript, with its runtime.
 * @throws CliError when there is no such runtime, or the folder holds anything
 */
export async function createProvided(
  shell: Shell,
  path: ControlPath,
  name: string,
  { runtime, git }: { runtime: string; git: boolean },
): Promise<Project> {
  const folder = resolve(shell.folder, name);
  const { copied, written, stated, handler } = languageOf(runtime, path);
  await refuseFilled(folder);
  await mkdir(folder, { recursive: true });
  const example = join(projectFolder(), 'examples', 'runtimes', runtime);
  for (const file of copied) await cp(join(example, file), join(folder, file), { recursive: true });
  const manifest = { path, version: '0.1.0', runtime: 'provided', ...stated, meta: { language: runtime } };
  const files: Record<string, string> = {
    ...written,
    'mesh.json': `${JSON.stringify(manifest, null, 2)}\n`,
    'README.md': readme(path, runtime, handler),
    '.gitignore': '.mesh/\n/*.tgz\n/*.zip\n',
  };
  for (const [file, text] of Object.entries(files)) {
    await mkdir(dirname(join(folder, file)), { recursive: true });
    await writeFile(join(folder, file), text);
  }
  if (git) await makeRepository(shell, folder);
  return {
    folder: relative(shell.folder, folder) || '.',
    path,
    files: [...Object.keys(files), ...copied],
  };
}

function languageOf(runtime: string, path: ControlPath): Language {
  const language = Object.hasOwn(LANGUAGES, runtime) ? LANGUAGES[runtime]?.(path) : undefined;
  if (language) return language;
  throw new CliError(
    `There is no runtime ${JSON.stringify(runtime)}.`,
    `There are: ${Object.keys(LANGUAGES).join(', ')}; and without --runtime, TypeScript.`,
    EXIT.usage,
  );
}

async function refuseFilled(folder: string): Promise<void> {
  const found = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw new CliError(`${folder} is no folder.`, 'Name another: mesh new <path> <folder>', EXIT.refused);
  });
  if (found.length > 0)
    throw new CliError(
      `${folder} is not empty.`,
      'Name a new folder: mesh new <path> <folder>',
      EXIT.refused,
    );
}

/** Made by the build of the handler package; named as npm would name it. */
async function handlerTarball(): Promise<{ file: string; name: string }> {
  const file = join(projectFolder(), 'dist', 'handler-package.tgz');
  const { version } = JSON.parse(
    await readFile(join(projectFolder(), 'libs', 'handler', 'package.json'), 'utf8'),
  ) as { version: string };
  if ((await stat(file).catch(() => undefined)) === undefined)
    throw new CliError(
      'The handler package is not built.',
      `Run npm run build in ${projectFolder()}.`,
      EXIT.failed,
    );
  return { file, name: `lambda-mesh-handler-${version}.tgz` };
}

/** What npm takes as a name: the folder's, as far as it can be one. */
const packageName = (folder: string): string =>
  basename(folder)
    .toLowerCase()
    .replace(/[^a-z0-9._-]+/g, '-')
    .replace(/^[._-]+/, '') || 'handler';

/** With the Node that runs this, which is recent enough; nothing is fetched: all that is depended on is in vendor/. */
async function installPackages(shell: Shell, folder: string): Promise<void> {
  const env = { ...shell.environment, PATH: `${dirname(process.execPath)}:${shell.environment.PATH ?? ''}` };
  const args = ['install', '--offline', '--no-audit', '--no-fund', '--loglevel=error'];
  try {
    await run('npm', args, { cwd: folder, env });
  } catch (cause) {
    const { code, stderr } = cause as { code?: string; stderr?: string };
    const why = code === 'ENOENT' ? 'npm is not on the PATH' : String(stderr ?? code).trim();
    throw new CliError(
      `The files are there, but npm could not install: ${why}`,
      `Run npm install in ${folder}.`,
      EXIT.failed,
    );
  }
  await lendNode(shell, folder);
}

/**
 * Where the user's Node is too old to run TypeScript, npm's scripts here get the one that came with the mesh: npm puts
 * node_modules/.bin first on their PATH.
 */
async function lendNode(shell: Shell, folder: string): Promise<void> {
  const { stdout } = await run('node', ['--version'], { env: { ...shell.environment } }).catch(() => ({
    stdout: 'none',
  }));
  const [major = 0, minor = 0] = stdout.trim().replace('v', '').split('.').map(Number);
  if (major > LEAST_NODE[0] || (major === LEAST_NODE[0] && minor >= LEAST_NODE[1])) return;
  await mkdir(join(folder, 'node_modules', '.bin'), { recursive: true });
  await symlink(process.execPath, join(folder, 'node_modules', '.bin', 'node'));
  shell.tell(
    `Your node (${stdout.trim()}) runs no TypeScript. npm's scripts in ${basename(folder)} use the mesh's own ${process.version}; elsewhere install Node ${LEAST_NODE.join('.')} or newer.`,
  );
}

/** A handler is a repository of its own, unless it is made inside of one. Without git, without one. */
async function makeRepository(shell: Shell, folder: string): Promise<void> {
  const git = (...args: string[]) => run('git', ['-C', folder, ...args], { env: { ...shell.environment } });
  const isInside = await git('rev-parse', '--is-inside-work-tree').then(
    () => true,
    () => false,
  );
  if (!isInside) await git('init', '--quiet').catch(() => undefined);
}
