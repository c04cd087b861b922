/*
 * What runs inside a worker, as one file each: a worker that reads it starts in half the time of one that imports
 * the mesh's modules one by one, and a child process needs to be allowed this one file only.
 */
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** The schemas' messages in forty languages are half of the file; nobody reads them in a worker. */
const oneLanguage = {
  name: 'one-language',
  setup(of) {
    of.onLoad({ filter: /zod[\\/]v4[\\/]locales[\\/]index\.js$/ }, ({ path }) => ({
      contents: "export { default as en } from './en.js';",
      resolveDir: dirname(path),
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
  sourcemap: true,
  sourcesContent: false,
  legalComments: 'none',
  plugins: [oneLanguage],
  logLevel: 'warning',
});
