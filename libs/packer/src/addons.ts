import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { basename, dirname, join } from 'node:path';
import type { OnLoadArgs, OnLoadResult, OnResolveArgs, PluginBuild } from 'esbuild';

/*
 * Native add-ons. A `.node` file cannot be bundled: esbuild's "copy" lays it beside the module, and `require` of the
 * copy stays. Two ways of reaching one need help:
 *
 *   import of a .node file         Node imports none: a module in between requires it
 *   node-gyp-build, bindings       search the disk at run time: the search is done now, for the package that asks
 */
const NAMESPACE = 'mesh-addon';
const SEARCHERS = /^(node-gyp-build|bindings)$/;

export const addons = {
  name: 'mesh-addons',
  setup(build: PluginBuild): void {
    build.onResolve({ filter: /\.node$/ }, (args) => resolveImport(build, args));
    build.onResolve({ filter: SEARCHERS }, resolveSearcher);
    build.onLoad({ filter: /.*/, namespace: NAMESPACE }, load);
  },
};

async function resolveImport(build: PluginBuild, args: OnResolveArgs) {
  if (args.kind === 'require-call' || args.pluginData === NAMESPACE) return undefined;
  const found = await build.resolve(args.path, {
    kind: 'require-call',
    resolveDir: args.resolveDir,
    importer: args.importer,
    pluginData: NAMESPACE,
  });
  if (found.errors.length > 0) return { errors: found.errors };
  return { path: found.path, namespace: NAMESPACE, pluginData: [found.path] };
}

async function resolveSearcher({ path, importer }: OnResolveArgs) {
  const root = packageFolder(importer);
  // The handler's own code, or a search that fails: left as it is, with esbuild's own message.
  if (root === undefined) return undefined;
  const files = path === 'bindings' ? await builtFiles(root) : prebuiltFile(root, importer);
  if (files.length === 0) return { errors: [{ text: `${basename(root)} has no ".node" file here` }] };
  return { path: `${path} of ${basename(root)}`, namespace: NAMESPACE, pluginData: files };
}

/** One file is what everybody gets; of several, `bindings` names the one it wants. */
function load({ path, pluginData }: OnLoadArgs): OnLoadResult {
  const files = pluginData as string[];
  const requires = files.map(
    (file) => `${JSON.stringify(basename(file, '.node'))}: () => require(${JSON.stringify(file)})`,
  );
  const isFile = path.endsWith('.node');
  const wanted = "typeof wanted === 'string' ? wanted : wanted?.bindings";
  const contents = isFile
    ? `module.exports = require(${JSON.stringify(files[0])});`
    : `const found = { ${requires.join(', ')} };
       const nameOf = (wanted) => String(${wanted}).replace(/\\.node$/, '');
       module.exports = (wanted) => (found[nameOf(wanted)] ?? Object.values(found)[0])();`;
  return { contents, loader: 'js', resolveDir: dirname(files[0] as string) };
}

function packageFolder(file: string): string | undefined {
  if (!file.includes('node_modules')) return undefined;
  for (let folder = dirname(file); folder !== dirname(folder); folder = dirname(folder))
    if (existsSync(join(folder, 'package.json'))) return folder;
  return undefined;
}

/** What node-gyp-build itself would find for this platform. */
function prebuiltFile(root: string, importer: string): string[] {
  try {
    const { path } = createRequire(importer)('node-gyp-build') as { path(folder: string): string };
    return [path(root)];
  } catch {
    return [];
  }
}

async function builtFiles(root: string): Promise<string[]> {
  const folder = join(root, 'build', 'Release');
  const names = await readdir(folder).catch(() => []);
  return names
    .filter((name) => name.endsWith('.node'))
    .sort()
    .map((name) => join(folder, name));
}
