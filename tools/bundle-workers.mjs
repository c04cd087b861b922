/*
 * What runs inside a worker, as one file each: a worker that reads it starts in half the time of one that imports
 * the mesh's modules one by one, and a child process needs to be allowed this one file only.
 */
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const root = dirname(dirname(fileURLToPath(import.meta.url)));

/**
 * What a worker uses of the contracts is a tenth of them; the rest makes schemas when it is loaded, which the bundler
 * takes for a side effect that it has to keep, and the library of schemas with it.
 */
const onlyWhatIsUsed = {
  name: 'only-what-is-used',
  setup(of) {
    const contracts = join(root, 'dist/libs/contracts/src');
    of.onResolve({ filter: /^#contracts$/ }, () => ({
      path: join(contracts, 'index.js'),
      sideEffects: false,
    }));
    of.onResolve({ filter: /^\.\// }, ({ path, resolveDir }) =>
      resolveDir === contracts ? { path: join(resolveDir, path), sideEffects: false } : undefined,
    );
  },
};

/**
 * Node's own modules by a call. An `import` of one looks at all that it exports, and some of what `fs` and `util` export is
 * loaded only when it is looked at: thirty modules, a tenth of a worker's start.
 */
const builtinsByCall = {
  name: 'builtins-by-call',
  setup(of) {
    of.onResolve({ filter: /^node:/ }, ({ path }) => ({ path, namespace: 'builtin', sideEffects: false }));
    of.onLoad({ filter: /^node:/, namespace: 'builtin' }, ({ path }) => ({
      contents: `module.exports = process.getBuiltinModule('${path}');`,
    }));
  },
};

await build({
  absWorkingDir: root,
  entryPoints: ['thread-worker', 'process-worker'].map((name) =>
    join(root, 'dist/apps/executor/src/runtime', `${name}.js`),
  ),
  outdir: join(root, 'dist/workers'),
  bundle: true,
  platform: 'node',
  format: 'esm',
  target: 'node24',
  minifySyntax: true,
  minifyWhitespace: true,
  // Beside it, and not named in it: Node would read it at each start of a worker, which takes 10 ms.
  sourcemap: 'external',
  sourcesContent: false,
  legalComments: 'none',
  plugins: [onlyWhatIsUsed, builtinsByCall],
  logLevel: 'warning',
});
