import { Generator } from '../load/generator.mjs';
import { MeshGround } from '../mesh/ground.mjs';

/** What a wait-bound handler can do: so many slots, each for so long. */
export const SLOTS = 10;
export const WAIT_MS = 50;
export const CAPACITY = (SLOTS * 1_000) / WAIT_MS;

const LIMITS = { concurrency: SLOTS, queue: SLOTS };
const waiting = (ms) => `export default () => new Promise((done) => setTimeout(done, ${ms}, 'done'))`;
const HANDLERS = {
  slow: [waiting(WAIT_MS), { limits: LIMITS }],
  // The same again, to see what one takes of the other.
  twin: [waiting(WAIT_MS), { limits: LIMITS }],
  quick: ['export default () => "quick"', {}],
  // Takes in the control run what is refused in the other, so that both have the same traffic.
  willing: ['export default () => "willing"', {}],
};

/** One executor with all of them, and an ingress, each a process, and a load generator. */
export async function startScene(isolation, signal) {
  const ground = await MeshGround.start();
  try {
    for (const [path, [code, changes]] of Object.entries(HANDLERS)) await ground.publish(path, code, changes);
    const executor = ground.executor('executor', { MESH_ISOLATION: isolation });
    const ingress = await ground.ingress();
    const urls = Object.fromEntries(Object.keys(HANDLERS).map((path) => [path, `${ingress.url}/${path}`]));
    for (const url of Object.values(urls)) await ground.served(url, signal);
    return {
      generator: await Generator.start(ground.children),
      urls,
      pids: { ingress: ingress.pid, nats: ground.nats.pid, executor: executor.pid },
      stop: () => ground.stop(),
    };
  } catch (error) {
    await ground.stop();
    throw error;
  }
}

/** Answers that were OK, a second. */
export const goodput = ({ latencies, seconds }) => (latencies[200]?.length ?? 0) / seconds;
