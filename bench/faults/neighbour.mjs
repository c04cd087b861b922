import { availableParallelism } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import { Generator } from '../load/generator.mjs';
import { cpuMicroseconds, cpuWithEndedChildren } from '../measure/cpu.mjs';
import { pairedRatio, quantile } from '../measure/statistics.mjs';
import { text } from '../measure/table.mjs';
import { MeshGround } from '../mesh/ground.mjs';
import { ANIMALS, NEIGHBOUR } from './animals.mjs';
import { Burners } from './burners.mjs';

/*
 * A neighbour under steady load, in the executor in which somebody calls a handler that harms, again and again; beside it, in
 * turns, the same load with as many processor burners outside the mesh.
 */

const WARM_UP = { perSecond: 200, seconds: 4 };
const WORKER_MEMORY_MB = '256';
const CALM_WITHIN_MS = 15_000;
const CALM_MS = 200;
/** Of a processor: below, an executor is taken to be idle. */
const CALM_SHARE = 0.15;
/** A call of what harms begins at the earliest so long after the one before: it is the harm that counts, not the traffic. */
const PACE_MS = 20;
/** Before a route is known. */
const NOT_YET = [404, 503];
const MOST_BURNERS = availableParallelism();

/** @returns {Promise<object[]>} `{ isolation, key, outcomes, failed, p99, control, ratio }`, ms; the ratio is that of
 *   each slice's p99 to the p99 of the control that followed it */
export async function benchNeighbour(isolation, { perSecond, seconds, slices, only, note, signal }) {
  const ground = await MeshGround.start();
  try {
    const scene = await prepare(ground, isolation, signal);
    const load = { perSecond, seconds };
    await scene.generator.run({ url: scene.url, ...WARM_UP });
    const results = [];
    for (const animal of chosen(isolation, only)) {
      signal.throwIfAborted();
      const result = { isolation, ...(await beside(scene, animal, load, slices, signal)) };
      results.push(result);
      note(lineOf(result));
    }
    return results;
  } finally {
    await ground.stop();
  }
}

const chosen = (isolation, only) =>
  ANIMALS.filter(
    ({ key, processOnly }) => (!processOnly || isolation === 'process') && (!only || only.includes(key)),
  );

async function prepare(ground, isolation, signal) {
  await ground.publish('neighbour', NEIGHBOUR);
  const executor = ground.executor('executor', {
    MESH_ISOLATION: isolation,
    MESH_WORKER_MEMORY: WORKER_MEMORY_MB,
  });
  const { url: base } = await ground.ingress();
  const url = `${base}/neighbour?n=1`;
  await ground.served(url, signal);
  const generator = await Generator.start(ground.children);
  const burners = ground.keep(await Burners.start(ground.children, MOST_BURNERS));
  return { ground, executor, base, url, generator, burners };
}

/** Slices of both, by turns, so that what else the machine does meets both alike. */
async function beside(scene, animal, load, slices, signal) {
  const rounds = [];
  const calls = new Map();
  const steady = () => scene.generator.run({ url: scene.url, ...load }).then(([result]) => result);
  for (let slice = 0; slice < slices; slice++) {
    const { harmed, busy } = await whileHarmed(scene, animal, calls, steady, signal);
    // As many as it kept busy, one at the least: what each of its calls leaves to do is not in `busy`.
    const burners = Math.min(MOST_BURNERS, Math.max(1, Math.round(busy)));
    rounds.push({ harmed, busy, burners, control: await scene.burners.during(burners, steady) });
  }
  return resultOf(animal, rounds, calls);
}

async function whileHarmed({ ground, executor, base }, { key, code, timeoutMs }, calls, steady, signal) {
  const path = `zoo/${key.replaceAll(/[^a-z0-9]+/gi, '-').toLowerCase()}`;
  await ground.publish(path, code, timeoutMs ? { limits: { timeoutMs } } : {});
  const caller = callsOf(`${base}/${path}`, calls, signal);
  const [from, before] = [performance.now(), cpuWithEndedChildren(executor.pid)];
  const harmed = await steady();
  const busy = (cpuWithEndedChildren(executor.pid) - before) / 1_000 / (performance.now() - from);
  await caller.stop();
  // Nothing of it shall burn while the control runs.
  await ground.registry.routes.remove(path);
  await calm(executor.pid, signal);
  return { harmed, busy };
}

/** One caller, one call after the other. */
function callsOf(url, calls, signal) {
  let stopped = false;
  const done = (async () => {
    while (!stopped) {
      const pace = delay(PACE_MS);
      const { status } = await whole(url, signal);
      calls.set(status, (calls.get(status) ?? 0) + 1);
      await pace;
    }
  })();
  const stop = () => {
    stopped = true;
    return done;
  };
  return { stop };
}

async function whole(url, signal) {
  const response = await fetch(url, { signal });
  await response.arrayBuffer();
  return response;
}

async function calm(pid, signal) {
  const end = performance.now() + CALM_WITHIN_MS;
  for (;;) {
    const before = cpuMicroseconds(pid);
    await delay(CALM_MS, undefined, { signal });
    if (cpuMicroseconds(pid) - before < CALM_MS * 1_000 * CALM_SHARE || performance.now() > end) return;
  }
}

function resultOf({ key }, rounds, calls) {
  const [harmed, control] = [rounds.map((round) => round.harmed), rounds.map((round) => round.control)];
  const outcomes = Object.fromEntries([...calls].filter(([status]) => !NOT_YET.includes(status)));
  return {
    key,
    outcomes,
    busy: quantile(
      rounds.map(({ busy }) => busy),
      0.5,
    ),
    burners: Math.max(...rounds.map(({ burners }) => burners)),
    requests: harmed.reduce((sum, { sent }) => sum + sent, 0),
    failed: failedOf(harmed),
    failedInControl: failedOf(control),
    p50: quantile(harmed.flatMap(all), 0.5),
    p99: quantile(harmed.flatMap(all), 0.99),
    control: quantile(control.flatMap(all), 0.99),
    ratio: pairedRatio(harmed.map(p99Of), control.map(p99Of)),
  };
}

const all = ({ latencies }) => Object.values(latencies).flat();
const p99Of = (result) => quantile(all(result), 0.99);
const failedOf = (results) =>
  results.reduce((sum, { sent, latencies }) => sum + sent - (latencies[200]?.length ?? 0), 0);

const lineOf = ({ isolation, key, failed, p99, control, ratio, busy, outcomes }) =>
  `${isolation.padEnd(8)} ${key.padEnd(24)} failed ${failed}  p99 ${p99.toFixed(1)} ms, control ${control.toFixed(1)} ms, ratio ${text(ratio, 2)}, busy ${busy.toFixed(2)}  ${JSON.stringify(outcomes)}`;
