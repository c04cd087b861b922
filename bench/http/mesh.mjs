import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const THIS_CHECKOUT = fileURLToPath(new URL('../..', import.meta.url));

/** Starts the real services, as they are deployed, for one path; those of another checkout, if it is given. */
export async function startMesh(
  { children, nats, registry },
  { name, isolation, checkout = THIS_CHECKOUT, auditSample = '1', changes = {} },
) {
  const main = (app) => join(checkout, 'dist', 'apps', app, 'src', 'main.js');
  const env = (user) => ({
    MESH_NATS_URL: nats.url,
    MESH_NATS_USER: user,
    MESH_NATS_PASSWORD: nats.users[user].password,
  });
  await registry.route(`bench/${name}`, changes);
  const back = children.start(`${name} executor`, main('executor'), {
    ...env('executor'),
    MESH_ARTIFACTS_URL: registry.artifactsUrl,
    MESH_ISOLATION: isolation,
    MESH_HANDLERS: `bench/${name}`,
    MESH_HEALTH_PORT: '0',
    MESH_AUDIT_SAMPLE: auditSample,
  });
  const front = children.start(`${name} ingress`, main('ingress-http'), {
    ...env('ingress'),
    MESH_HTTP_PORT: '0',
  });
  const base = await front.untilSaid((output) => output.match(/Listening on (http:\/\/[\d.:]+\d)/)?.[1]);
  return {
    url: `${base}/bench/${name}`,
    pids: { ingress: front.pid, nats: nats.pid, executor: back.pid },
  };
}
