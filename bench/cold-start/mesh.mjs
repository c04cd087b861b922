import { deepStrictEqual } from 'node:assert';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { connect } from '@nats-io/transport-node';
import { answerTo } from '../http/answer.mjs';
import { untilServing } from '../work/ground.mjs';

const EXECUTOR = fileURLToPath(new URL('../../dist/apps/executor/src/main.js', import.meta.url));
const QUERY = JSON.stringify({ id: '42' });
const WITHIN_MS = 30_000;

/** How an executor is called that keeps no thread started ahead. */
export const WITHOUT_SPARES = 'thread, none ahead';

/** Anyone may call, without a login. */
export const connectAsCaller = (nats) => connect({ servers: nats.url, noAsyncTraces: true });

/**
 * An executor with a path for each handler. `first` calls one of them over NATS.
 * @param {'thread' | 'process'} isolation
 * @param {number} spares threads that it keeps started ahead
 */
export async function startExecutor({ nats, registry, children, client, packed }, isolation, spares) {
  const name = spares === 0 ? `${isolation}-alone` : isolation;
  const paths = packed.map((_, n) => `bench/${name}-${n}`);
  for (const [n, path] of paths.entries()) await registry.route(path, packed[n]);
  const child = children.start(`${name} executor`, EXECUTOR, {
    MESH_NATS_URL: nats.url,
    MESH_NATS_USER: 'executor',
    MESH_NATS_PASSWORD: nats.users.executor.password,
    MESH_ARTIFACTS_URL: registry.artifactsUrl,
    MESH_CACHE_DIR: join(registry.folder, `cache-${name}`),
    MESH_ISOLATION: isolation,
    MESH_SPARE_THREADS: String(spares),
    MESH_HANDLERS: paths.join(','),
    MESH_MAX_WORKERS: String(paths.length),
    MESH_HEALTH_PORT: '0',
  });
  await untilServing(child);
  const key = spares === 0 ? WITHOUT_SPARES : isolation;
  return { key, first: (n) => firstAnswer(client, paths[n]) };
}

async function firstAnswer(client, path) {
  const started = performance.now();
  const reply = await client.request(`mesh.call.${path.replace('/', '.')}`, QUERY, { timeout: WITHIN_MS });
  const ms = performance.now() - started;
  deepStrictEqual(reply.json(), answerTo('42'), `${path} answered something else`);
  return ms;
}
