import { fileURLToPath } from 'node:url';
import { jetstreamManager } from '@nats-io/jetstream';
import { poolConsumer, WORK_STREAM, workSubject } from '#contracts';
import { ensureStreams, openWorkConsumers, STREAM_DEFAULTS } from '#fabric';
import { startNats } from '#servers';
import { Children } from '../http/child.mjs';
import { StandInRegistry } from '../http/registry.mjs';

/*
 * What every contender stands on: one nats-server with the mesh's streams, permissions and sync setting, and a stand-in
 * for the registry. Each contender has a consumer (a pool) and paths of its own.
 */

const HANDLER = fileURLToPath(new URL('./handler', import.meta.url));
const APPS = fileURLToPath(new URL('../../dist/apps', import.meta.url));
const own = (name) => fileURLToPath(new URL(`./${name}`, import.meta.url));
/** More than any measurement puts before one path. */
const MOST_PER_PATH = 1_000_000;

/** @throws Error with what it said, when it ends instead */
export const untilServing = (service) =>
  service.untilSaid((output) => (output.includes('Ready.') ? true : undefined));

export class Ground {
  #stops = [];

  /** @param {{ sync: 'default' | 'always', profile?: string, mqttPort?: number }} options */
  static async start({ sync, profile, mqttPort }) {
    const ground = new Ground();
    ground.sync = sync;
    try {
      await ground.#start(
        { syncAlways: sync === 'always', ...(mqttPort === undefined ? {} : { mqttPort }) },
        profile,
      );
      return ground;
    } catch (error) {
      await ground.stop();
      throw error;
    }
  }

  async #start(natsOptions, profile) {
    this.nats = this.keep(await startNats(natsOptions));
    this.children = this.keep(new Children(profile));
    this.registry = this.keep(await StandInRegistry.start(this.nats, HANDLER));
    const { connection } = this.registry;
    await ensureStreams(connection, { ...STREAM_DEFAULTS, workMaxPerPath: MOST_PER_PATH });
    this.consumers = await openWorkConsumers(connection);
    this.manager = await jetstreamManager(connection.nc);
    this.publisher = await this.startOwn('publisher-mesh.mjs', 'ingress');
  }

  /** Stopped with the rest, in reverse order. */
  keep(stoppable) {
    this.#stops.push(stoppable);
    return stoppable;
  }

  loginOf(user) {
    return {
      MESH_NATS_URL: this.nats.url,
      MESH_NATS_USER: user,
      MESH_NATS_PASSWORD: this.nats.users[user].password,
    };
  }

  /** A hand-written process of this folder, ready. */
  async startOwn(file, user, env = {}) {
    const child = this.children.start(file, own(file), { ...this.loginOf(user), ...env });
    await child.untilReady();
    return child;
  }

  /** A service as it is deployed. */
  startService(app, name, env) {
    return this.children.start(name, `${APPS}/${app}/src/main.js`, { MESH_HEALTH_PORT: '0', ...env });
  }

  /** An executor with a pool of its own, for these paths (each may have changes of the manifest). */
  async startExecutor(pool, isolation, paths, env = {}) {
    for (const [path, changes] of Object.entries(paths)) await this.registry.route(path, changes);
    await this.pool(pool, Object.keys(paths));
    const child = this.startService('executor', `${pool} executor`, {
      ...this.loginOf('executor'),
      MESH_ARTIFACTS_URL: this.registry.artifactsUrl,
      MESH_CACHE_DIR: this.registry.folder,
      MESH_ISOLATION: isolation,
      MESH_WORK_POOL: pool,
      MESH_HANDLERS: Object.keys(paths).join(','),
      ...env,
    });
    await untilServing(child);
    return child;
  }

  async pool(pool, paths) {
    await this.consumers.put({ name: poolConsumer(pool), filters: paths.map(workSubject), ordered: false });
  }

  async purge(path) {
    await this.manager.streams.purge(WORK_STREAM, { filter: workSubject(path) });
  }

  async stop() {
    for (const stoppable of this.#stops.splice(0).reverse()) await stoppable.stop();
  }
}
