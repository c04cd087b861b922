import { fileURLToPath } from 'node:url';
import { machineFacts } from '../measure/machine.mjs';
import { childrenOf } from '../measure/memory.mjs';
import { table } from '../measure/table.mjs';
import { machineLine, target, targetLines } from '../measure/targets.mjs';
import { MeshGround } from '../mesh/ground.mjs';
import { firstBytes } from './first-byte.mjs';
import { MODULES } from './handler.mjs';
import { largeBodies } from './large.mjs';

const DIRECT = fileURLToPath(new URL('./direct-process.mjs', import.meta.url));
const FIRST_BYTE_MS = 5;
const GROWTH_MB = 64;
const MB = 1024 * 1024;
const TIMEOUT_MS = 120_000;

/**
 * `bench -- streaming`: the first byte beside a direct server's, and what large bodies take of memory.
 * @param {{ isolation: string, turns: number, down: number, up: number, json?: boolean }} options MB
 * @param {AbortSignal} signal ends it early, in order
 */
export async function benchStreaming({ isolation, turns, down, up, json }, signal) {
  const machine = machineFacts();
  const ground = await MeshGround.start();
  try {
    const scene = await startScene(ground, isolation, up, signal);
    const first = await firstBytes({ mesh: scene.urls.drip, direct: scene.urls.direct }, { turns, signal });
    const large = await largeBodies(scene, { down, up, signal });
    const report = { machine, isolation, turns, first, large, targets: targetsOf(first, large) };
    process.stdout.write(`${json ? JSON.stringify(report, null, 2) : render(report)}\n`);
  } finally {
    await ground.stop();
  }
}

async function startScene(ground, isolation, up, signal) {
  const limits = { timeoutMs: TIMEOUT_MS };
  await ground.publish('drip', MODULES.drip);
  await ground.publish('flood', MODULES.flood, { limits });
  await ground.publish('drain', MODULES.drain, { limits, body: 'stream' });
  const executor = ground.executor('executor', { MESH_ISOLATION: isolation });
  const ingress = await ground.ingress('ingress', { MESH_MAX_BODY: String((up + 1) * MB) });
  const direct = ground.children.start('direct', DIRECT, {});
  const { url } = await direct.untilReady();
  const urls = Object.fromEntries(Object.keys(MODULES).map((path) => [path, `${ingress.url}/${path}`]));
  await ground.served(urls.drip, signal);
  await ground.served(`${urls.flood}?mb=1`, signal);
  // A worker for each, which `process` has as children of the executor.
  await fetch(urls.drain, { method: 'POST', body: 'x', signal });
  const workers = childrenOf(executor.pid).map((pid, nth) => [`child ${nth + 1}`, pid]);
  return {
    urls: { ...urls, direct: url },
    pids: {
      ingress: ingress.pid,
      nats: ground.nats.pid,
      executor: executor.pid,
      ...Object.fromEntries(workers),
    },
  };
}

const targetsOf = (first, large) => [
  target('first byte later than directly', first.later, { atMost: FIRST_BYTE_MS, unit: 'ms' }),
  ...large.flatMap(({ what, megabytes, growth }) =>
    Object.entries(growth).map(([role, mb]) =>
      target(`${megabytes} MB ${what}: growth of ${role}`, mb, { atMost: GROWTH_MB, unit: 'MB', digits: 1 }),
    ),
  ),
];

function render({ machine, isolation, turns, first, large, targets }) {
  return [
    machineLine(machine),
    `Isolation ${isolation}. First byte, medians of ${turns} turns: mesh ${first.mesh.toFixed(2)} ms, direct ${first.direct.toFixed(2)} ms.`,
    '',
    ...table(
      ['MB', '', 'MB/s'],
      large.map(({ what, megabytes, perSecond }) => [String(megabytes), what, perSecond.toFixed(0)]),
    ),
    '',
    ...targetLines(targets),
  ].join('\n');
}
