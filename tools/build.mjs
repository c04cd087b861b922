/*
 * The build: every app and library to dist/ (swc through the Nest CLI; types are `npm run typecheck`), then what
 * runs inside workers as one file each, then the handler package, which authors install on its own. dist/ is not emptied first, so that services started from
 * it outlive a rebuild; what has no source any more is removed after it instead.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { STAMP, sourceDigest } from './sources.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const bin = join(root, 'node_modules', '.bin');
// Node 24 from the lock where it is installed: the caller's own may be older than the tools need.
const node = existsSync(join(bin, 'node')) ? join(bin, 'node') : process.execPath;

function runNode(...args) {
  const env = { ...process.env, PATH: `${bin}:${process.env.PATH}` };
  const { status, stdout, stderr, error } = spawnSync(node, args, { cwd: root, env, encoding: 'utf8' });
  if (status === 0) return;
  console.error(
    `${stdout ?? ''}${stderr ?? ''}${error ? `${error.message}\n` : ''}The build stopped at: node ${args.join(' ')}`,
  );
  process.exit(status || 1);
}

/** Compiled files whose source was renamed or removed would still be imported, or still run as tests. */
function removeStale(folder) {
  if (!existsSync(join(root, 'dist', folder))) return;
  for (const entry of readdirSync(join(root, 'dist', folder), { withFileTypes: true })) {
    const path = `${folder}/${entry.name}`;
    if (entry.isDirectory()) removeStale(path);
    else if (isStale(path)) rmSync(join(root, 'dist', path));
  }
}

function isStale(path) {
  if (!/\.js(\.map)?$/.test(path)) return false;
  const stem = path.replace(/\.js(\.map)?$/, '');
  return (
    stem.endsWith('.spec') || !['.ts', '.js'].some((extension) => existsSync(join(root, stem + extension)))
  );
}

function stamp(digest) {
  const part = join(root, `${STAMP}.${process.pid}`);
  mkdirSync(dirname(part), { recursive: true });
  writeFileSync(part, digest);
  renameSync(part, join(root, STAMP));
}

// The digest is taken first: a file saved while the build runs makes the stamp wrong, and the next start builds again.
const digest = sourceDigest(root);
rmSync(join(root, STAMP), { force: true });
runNode('node_modules/@nestjs/cli/bin/nest.js', 'build', '--all');
for (const folder of ['apps', 'libs']) removeStale(folder);
runNode('tools/bundle-workers.mjs');
if (existsSync(join(root, 'libs/handler/build.mjs'))) runNode('libs/handler/build.mjs');
stamp(digest);
