// Builds what is published of this package into dist/: bundles without dependencies, and the types of what an
// author sees; then the whole as a tarball, as `npm pack` would, which the command line carries into new handlers'
// repositories. Run by tools/build.mjs.
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { buffer } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';
import tar from 'tar-stream';
import ts from 'typescript';

const here = fileURLToPath(new URL('.', import.meta.url));
const dist = `${here}dist`;
/** The files whose types are public. They may refer to one another and to nothing else. */
const TYPED = ['author-types', 'definition', 'index', 'shape-types', 'sse', 'test-types', 'testing'];

await rm(dist, { recursive: true, force: true });
await mkdir(dist, { recursive: true });
await Promise.all([bundle(), bundleBootstrap(), ...TYPED.map(declare)]);
await writeTarball(fileURLToPath(new URL('../../dist/', import.meta.url)));

function bundle() {
  return build({
    absWorkingDir: here,
    entryPoints: ['src/index.ts', 'src/testing.ts'],
    outdir: 'dist',
    bundle: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    // Files have no side effects: what the types alone need of them is left out.
    treeShaking: true,
    legalComments: 'none',
    logLevel: 'warning',
    charset: 'utf8',
  });
}

/** The bootstrap for AWS Lambda, one file: `mesh pack --lambda` lays it beside a handler, where nothing is installed. */
function bundleBootstrap() {
  return build({
    absWorkingDir: here,
    entryPoints: ['src/lambda/main.ts'],
    outfile: 'dist/bootstrap.js',
    bundle: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    minifySyntax: true,
    minifyWhitespace: true,
    legalComments: 'none',
    logLevel: 'warning',
    charset: 'utf8',
  });
}

async function declare(name) {
  const source = await readFile(`${here}src/${name}.ts`, 'utf8');
  const { outputText, diagnostics = [] } = ts.transpileDeclaration(source, {
    fileName: `${name}.ts`,
    reportDiagnostics: true,
    compilerOptions: { declaration: true, isolatedDeclarations: true, target: ts.ScriptTarget.ES2023 },
  });
  if (diagnostics.length > 0) throw new Error(`${name}.ts: ${ts.formatDiagnostics(diagnostics, host)}`);
  for (const [, from] of outputText.matchAll(/from '(.+?)'/g))
    if (!TYPED.includes(from.replace(/^\.\/(.*)\.js$/, '$1')))
      throw new Error(`The types of ${name}.ts refer to ${from}, which is not published.`);
  await writeFile(`${dist}/${name}.d.ts`, outputText);
}

/** dist/handler-package.tgz of the whole build: the same bytes for the same package, so that a lock stays valid. */
async function writeTarball(folder) {
  const names = (await readdir(dist)).sort().map((name) => `dist/${name}`);
  const files = [['package.json'], ...names.map((name) => [name]), ['LICENSE', '../../LICENSE']];
  const pack = tar.pack();
  for (const [name, from = name] of files)
    pack.entry({ name: `package/${name}`, mtime: new Date(0) }, await readFile(here + from));
  pack.finalize();
  const tarball = gzipSync(await buffer(pack), { level: 9 });
  await mkdir(folder, { recursive: true });
  // By rename: somebody may be copying it.
  await writeFile(`${folder}handler-package.${process.pid}`, tarball);
  await rename(`${folder}handler-package.${process.pid}`, `${folder}handler-package.tgz`);
}

const host = {
  getCurrentDirectory: () => here,
  getCanonicalFileName: (name) => name,
  getNewLine: () => '\n',
};
