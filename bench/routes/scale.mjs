import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { connect, openRouteStore } from '#fabric';
import { startNats } from '#servers';
import { Children } from '../http/child.mjs';
import { routeOf } from './route.mjs';

const MAIN = (app) => fileURLToPath(new URL(`../../dist/apps/${app}/src/main.js`, import.meta.url));
const HEAP = new URL('./heap-on-signal.mjs', import.meta.url).href;
const AT_ONCE = 256;

/**
 * What so many idle handlers cost the real services: time from the start of the process to being ready, heap after a
 * collection, and the NATS server's memory.
 */
export async function measureScale(handlers) {
  const folder = await mkdtemp(join(tmpdir(), 'lambda-mesh-bench-routes-'));
  const nats = await startNats();
  const children = new Children();
  try {
    const writeMs = await writeRoutes(nats, handlers);
    const natsBefore = residentBytes(nats.pid);
    const executor = await startMeasured(children, nats, 'executor', 'executor', {
      MESH_ARTIFACTS_URL: pathToFileURL(folder).href,
      MESH_CACHE_DIR: join(folder, 'cache'),
      MESH_HEALTH_PORT: '0',
    });
    const ingress = await startMeasured(children, nats, 'ingress-http', 'ingress', { MESH_HTTP_PORT: '0' });
    return {
      handlers,
      writeMs,
      executorMs: executor.readyMs,
      executorHeap: executor.heap,
      ingressMs: ingress.readyMs,
      ingressHeap: ingress.heap,
      natsResident: residentBytes(nats.pid),
      natsForSubscriptions: residentBytes(nats.pid) - natsBefore,
    };
  } finally {
    await children.stop();
    await nats.stop();
    await rm(folder, { recursive: true, force: true });
  }
}

async function writeRoutes(nats, handlers) {
  const connection = await connect({ ...loginOf(nats, 'registry'), name: 'bench-registry' });
  const routes = await openRouteStore(connection);
  const started = performance.now();
  for (let i = 0; i < handlers; i += AT_ONCE)
    await Promise.all(
      Array.from({ length: Math.min(AT_ONCE, handlers - i) }, (_, k) => routes.put(routeOf(i + k))),
    );
  await connection.close();
  return performance.now() - started;
}

async function startMeasured(children, nats, app, user, env) {
  const started = performance.now();
  const { natsUrl, natsUser, natsPassword } = loginOf(nats, user);
  const child = children.start(app, MAIN(app), {
    MESH_NATS_URL: natsUrl,
    MESH_NATS_USER: natsUser,
    MESH_NATS_PASSWORD: natsPassword,
    NODE_OPTIONS: `--expose-gc --import=${HEAP}`,
    ...env,
  });
  await child.untilSaid((output) => (output.includes('Ready.') ? true : undefined));
  const readyMs = performance.now() - started;
  process.kill(child.pid, 'SIGUSR2');
  const heap = await child.untilSaid((output) => /heap after a collection: (\d+)/.exec(output)?.[1]);
  return { readyMs, heap: Number(heap) };
}

const loginOf = (nats, user) => ({
  natsUrl: nats.url,
  natsUser: user,
  natsPassword: nats.users[user].password,
});

const residentBytes = (pid) =>
  Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))[1]) * 1024;
