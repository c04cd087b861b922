import { existsSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { quantile } from '../measure/statistics.mjs';
import { MeshGround } from '../mesh/ground.mjs';

/*
 * How soon a caller learns that its worker crashed, how soon a loop is ended after its deadline, and whether the next call is
 * answered. The clock of all is this machine's; what this process is late adds to the figures.
 */

/** Longer than a worker takes to start: the next call comes while it does. */
const LOOP_TIMEOUT_MS = 500;
const CRASH_IN_MS = 60;
const OTHERS = 5;
const SHARE = 0.95;

/** Does as it is asked. `at`: an instant, ms since 1970, to which it spins, so that all know when it was. */
const HANDLER = `
import { readlinkSync } from 'node:fs';
export default async ({ query }) => {
  // proc(5): <pid>/task/<tid> of who reads it. A process has a folder of its own, and may read no other.
  if (query.who) { try { return readlinkSync('/proc/thread-self') } catch { return String(process.pid) } }
  if (query.loop) for (;;);
  if (query.wait) await new Promise(() => {});
  if (query.at) {
    await new Promise((resolve) => setTimeout(resolve, query.at - Date.now() - 5));
    while (Date.now() < query.at);
    if (query.how === 'exit') process.exit(1);
    if (query.how === 'kill') process.kill(process.pid, 'SIGKILL');
    setTimeout(() => { throw new Error('as asked') });
    await new Promise(() => {});
  }
  return 'fine';
}`;

/** @returns {Promise<object[]>} `{ isolation, what, trials, p95, worst, next }`, ms; next: share of next calls that were OK */
export async function benchTrials(isolation, { trials, note, signal }) {
  const ground = await MeshGround.start();
  try {
    await ground.publish('trial/crash', HANDLER);
    await ground.publish('trial/loop', HANDLER, { limits: { timeoutMs: LOOP_TIMEOUT_MS } });
    const executor = ground.executor('executor', { MESH_ISOLATION: isolation });
    const { url } = await ground.ingress();
    const scene = { crash: `${url}/trial/crash`, loop: `${url}/trial/loop`, pid: executor.pid, signal };
    for (const one of [scene.crash, scene.loop]) await ground.served(one, signal);
    const results = [];
    for (const [what, trial] of Object.entries(TRIALS)) {
      if (what === 'killed, answered' && isolation !== 'process') continue;
      results.push({ isolation, what, ...(await repeated(trial, scene, trials)) });
      note(lineOf(results.at(-1)));
    }
    return results;
  } finally {
    await ground.stop();
  }
}

const TRIALS = {
  'exit, answered': (scene) => crash(scene, 'exit'),
  'uncaught error, answered': (scene) => crash(scene, 'throw'),
  'killed, answered': (scene) => crash(scene, 'kill'),
  'loop, ended after its deadline': loop,
};

async function repeated(trial, scene, trials) {
  const figures = [];
  let next = 0;
  for (let n = 0; n < trials; n++) {
    scene.signal.throwIfAborted();
    figures.push(await trial(scene));
    if ((await ask(scene.crash, scene.signal)).ok && (await ask(scene.loop, scene.signal)).ok) next++;
  }
  return { trials, p95: quantile(figures, SHARE), worst: Math.max(...figures), next: next / trials };
}

/** @returns ms from the crash to the last of its callers' answers, which must all be 502 */
async function crash({ crash: url, signal }, how) {
  const others = Array.from({ length: OTHERS }, () => answered(`${url}?wait=1`, signal));
  await delay(20, undefined, { signal });
  const at = Date.now() + CRASH_IN_MS;
  const answers = await Promise.all([answered(`${url}?at=${at}&how=${how}`, signal), ...others]);
  const odd = answers.find(({ status }) => status !== 502);
  if (odd) throw new Error(`A caller of a worker that crashed got ${odd.status}`);
  return Math.max(...answers.map((answer) => answer.at)) - at;
}

/** @returns ms from the deadline until the thread, or process, that looped is gone */
async function loop({ loop: url, pid, signal }) {
  const { text } = await ask(`${url}?who=1`, signal);
  const folder = /^"?(\d+\/task\/\d+)"?$/.test(text) ? text.replaceAll('"', '') : undefined;
  const path = `/proc/${folder?.startsWith(`${pid}/`) ? folder : text.replaceAll('"', '').split('/')[0]}`;
  const deadline = performance.now() + LOOP_TIMEOUT_MS;
  const answer = answered(`${url}?loop=1`, signal);
  while (existsSync(path)) await delay(1, undefined, { signal });
  const ms = performance.now() - deadline;
  const { status } = await answer;
  if (status !== 504) throw new Error(`The caller of a loop got ${status}`);
  return ms;
}

async function answered(url, signal) {
  const { status } = await ask(url, signal);
  return { status, at: Date.now() };
}

async function ask(url, signal) {
  const response = await fetch(url, { signal });
  return { ok: response.ok, status: response.status, text: await response.text() };
}

const lineOf = ({ isolation, what, trials, p95, worst, next }) =>
  `${isolation.padEnd(8)} ${what.padEnd(32)} ${trials} trials: p95 ${p95.toFixed(0)} ms, worst ${worst.toFixed(0)} ms, next call OK ${(next * 100).toFixed(0)} %`;
