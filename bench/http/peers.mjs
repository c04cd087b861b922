import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/*
 * What others use for HTTP in front of NATS, as their documentation has it: a gateway and a service, a process each.
 */

const FOLDER = new URL('../peers/', import.meta.url);
const file = (name) => fileURLToPath(new URL(`${name}.mjs`, FOLDER));

const MISSING = 'Nest and Moleculer are not installed. Remedy: npm ci --prefix bench/peers';

const areInstalled = () => existsSync(new URL('node_modules/moleculer-web', FOLDER));

/** @throws Error with a remedy when they are not installed */
export function requirePeers() {
  if (!areInstalled()) throw new Error(MISSING);
}

/** Whether they can take part. @param note told what to do where they cannot */
export function arePeersHere(note) {
  if (!areInstalled()) note(`Left out: ${MISSING}`);
  return areInstalled();
}

/** Nest: a controller on Fastify, and a microservice on its NATS transport. */
export function startNest({ children, nats }) {
  const env = (user) => ({
    BENCH_NATS_URL: nats.url,
    BENCH_NATS_USER: user,
    BENCH_NATS_PASSWORD: nats.users[user].password,
    BENCH_SUBJECT: 'mesh.call.bench.nest',
  });
  return startPair(children, nats, {
    name: 'nest',
    back: ['nest-service', env('executor')],
    front: ['nest-gateway', env('ingress')],
  });
}

/** Moleculer: moleculer-web and a node. It names its subjects itself; the user of the account for devices may use any. */
export function startMoleculer({ children, nats }) {
  const { user, password } = nats.users.bridge;
  const env = { BENCH_NATS_URL: nats.url, BENCH_NATS_USER: user, BENCH_NATS_PASSWORD: password };
  return startPair(children, nats, {
    name: 'moleculer',
    back: ['moleculer-node', env],
    front: ['moleculer-gateway', env],
  });
}

async function startPair(children, nats, { name, back: [backFile, backEnv], front: [frontFile, frontEnv] }) {
  const production = { NODE_ENV: 'production' };
  const back = children.start(`${name} executor`, file(backFile), { ...production, ...backEnv });
  await back.untilReady();
  const front = children.start(`${name} ingress`, file(frontFile), { ...production, ...frontEnv });
  const { port } = await front.untilReady();
  return {
    url: `http://127.0.0.1:${port}/bench/${name}`,
    pids: { ingress: front.pid, nats: nats.pid, executor: back.pid },
  };
}
