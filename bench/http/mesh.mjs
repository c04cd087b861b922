import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { connect, openRouteStore } from '#fabric';
import { pack } from '#packer';

const THIS_CHECKOUT = fileURLToPath(new URL('../..', import.meta.url));
const HANDLER = fileURLToPath(new URL('./handler', import.meta.url));

/** The handler's artifact in a folder of its own, as the registry would store it; `route` writes a path for it. */
export class Artifacts {
  static async publish(nats) {
    const { manifest, digest, artifact } = await pack(HANDLER);
    const folder = await mkdtemp(join(tmpdir(), 'lambda-mesh-bench-'));
    await mkdir(join(folder, 'sha256'));
    await writeFile(join(folder, 'sha256', `${digest.slice('sha256:'.length)}.tgz`), artifact);
    const connection = await connect({ ...loginOf(nats, 'registry'), name: 'bench-registry' });
    return new Artifacts(folder, { ...manifest, digest }, connection, await openRouteStore(connection));
  }

  constructor(folder, version, connection, routes) {
    this.url = pathToFileURL(folder).href;
    this.folder = folder;
    this.version = version;
    this.connection = connection;
    this.routes = routes;
  }

  async route(path) {
    const { path: _own, description: _text, ...version } = this.version;
    await this.routes.put({ path, revision: 1, versions: [{ ...version, weight: 100 }], aliases: {} });
  }

  async remove() {
    await this.connection.close();
    await rm(this.folder, { recursive: true, force: true });
  }
}

const loginOf = (nats, user) => ({
  natsUrl: nats.url,
  natsUser: user,
  natsPassword: nats.users[user].password,
});

/** Starts the real services, as they are deployed, for one path; those of another checkout, if it is given. */
export async function startMesh(
  { children, nats, artifacts },
  { name, isolation, checkout = THIS_CHECKOUT },
) {
  const main = (app) => join(checkout, 'dist', 'apps', app, 'src', 'main.js');
  const env = (user) => ({
    MESH_NATS_URL: nats.url,
    MESH_NATS_USER: user,
    MESH_NATS_PASSWORD: nats.users[user].password,
  });
  await artifacts.route(`bench/${name}`);
  const back = children.start(`${name} executor`, main('executor'), {
    ...env('executor'),
    MESH_ARTIFACTS_URL: artifacts.url,
    MESH_ISOLATION: isolation,
    MESH_HANDLERS: `bench/${name}`,
    MESH_HEALTH_PORT: '0',
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
