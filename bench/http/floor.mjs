import { fileURLToPath } from 'node:url';

const file = (name) => fileURLToPath(new URL(`./${name}.mjs`, import.meta.url));

/** Starts `node:http` alone. */
export async function startBare({ children }) {
  const server = children.start('bare', file('bare'), {});
  const { port } = await server.untilReady();
  return { url: `http://127.0.0.1:${port}/bench/bare`, pids: { ingress: server.pid } };
}

/**
 * Starts a hand-written pair of ingress and executor.
 * @param {{ name: string, ingress: string, executor: string, headers?: 'own' | 'client', writes?: 'turn' | 'single' }} pair
 *   see wire-headers.mjs and floor-nats.mjs for the last two
 */
export async function startFloor({ children, nats }, pair) {
  const { name, ingress, executor, headers = 'own', writes = 'turn' } = pair;
  const env = (user) => ({
    BENCH_NATS_URL: nats.url,
    BENCH_NATS_PASSWORD: nats.users[user].password,
    BENCH_SUBJECT: `mesh.call.bench.${name}`,
    BENCH_HEADERS: headers,
    BENCH_WRITES: writes,
  });
  const back = children.start(`${name} executor`, file(executor), env('executor'));
  await back.untilReady();
  const front = children.start(`${name} ingress`, file(ingress), env('ingress'));
  const { port } = await front.untilReady();
  return {
    url: `http://127.0.0.1:${port}/bench/${name}`,
    pids: { ingress: front.pid, nats: nats.pid, executor: back.pid },
  };
}
