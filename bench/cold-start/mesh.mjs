import { deepStrictEqual } from 'node:assert';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { connect } from '@nats-io/transport-node';
import { answerTo } from '../http/answer.mjs';
import { untilServing } from '../work/ground.mjs';

const EXECUTOR = fileURLToPath(new URL('../../dist/apps/executor/src/main.js', import.meta.url));
const QUERY = JSON.stringify({ id: '42' });
const WITHIN_MS = 30_000;

/** Anyone may call, without a login. */
export const connectAsCaller = (nats) => connect({ servers: nats.url, noAsyncTraces: true });

/** An executor as it is deployed, with a path for each handler. `first` calls one of them over NATS. */
export async function startExecutor({ nats, registry, children, client, packed }, isolation) {
  const paths = packed.map((_, n) => `bench/${isolation}-${n}`);
  for (const [n, path] of paths.entries()) await registry.route(path, packed[n]);
  const child = children.start(`${isolation} executor`, EXECUTOR, {
    MESH_NATS_URL: nats.url,
    MESH_NATS_USER: 'executor',
    MESH_NATS_PASSWORD: nats.users.executor.password,
    MESH_ARTIFACTS_URL: registry.artifactsUrl,
    MESH_CACHE_DIR: join(registry.folder, `cache-${isolation}`),
    MESH_ISOLATION: isolation,
    MESH_HANDLERS: paths.join(','),
    MESH_MAX_WORKERS: String(paths.length),
    MESH_HEALTH_PORT: '0',
  });
  await untilServing(child);
  return { key: isolation, first: (n) => firstAnswer(client, paths[n]) };
}

async function firstAnswer(client, path) {
  const started = performance.now();
  const reply = await client.request(`mesh.call.${path.replace('/', '.')}`, QUERY, { timeout: WITHIN_MS });
  const ms = performance.now() - started;
  deepStrictEqual(reply.json(), answerTo('42'), `${path} answered something else`);
  return ms;
}
