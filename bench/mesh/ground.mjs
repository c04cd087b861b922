import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { manifest as manifestSchema } from '#contracts';
import { digestOf } from '#packer';
import { startNats } from '#servers';
import { Children } from '../http/child.mjs';
import { StandInRegistry } from '../http/registry.mjs';
import { artifactOf } from './artifact.mjs';

/*
 * The services of the data path as they are deployed, each a process, over one nats-server; a stand-in for the registry.
 * Handlers are given as code.
 */

const APPS = fileURLToPath(new URL('../../dist/apps', import.meta.url));
const SERVED_WITHIN_MS = 30_000;

export class MeshGround {
  #stops = [];

  /** @param {{ profile?: string }} options */
  static async start({ profile } = {}) {
    const ground = new MeshGround();
    try {
      ground.nats = ground.keep(await startNats());
      ground.children = ground.keep(new Children(profile));
      ground.registry = ground.keep(await StandInRegistry.start(ground.nats));
      return ground;
    } catch (error) {
      await ground.stop();
      throw error;
    }
  }

  /** Stopped with the rest, in reverse order. */
  keep(stoppable) {
    this.#stops.push(stoppable);
    return stoppable;
  }

  /** Makes an ES module live. @param changes of its manifest */
  async publish(path, code, changes = {}) {
    const manifest = manifestSchema.parse({ path, version: '1.0.0', ...changes });
    const artifact = await artifactOf(manifest, code);
    const digest = digestOf(artifact);
    await writeFile(join(this.registry.folder, 'sha256', `${digest.slice('sha256:'.length)}.tgz`), artifact);
    const { path: _path, description: _text, ...version } = manifest;
    const versions = [{ ...version, digest, weight: 100 }];
    await this.registry.routes.put({ path, revision: 1, versions, aliases: {} });
  }

  executor(name, env = {}) {
    return this.#service('executor', 'executor', name, {
      MESH_ARTIFACTS_URL: this.registry.artifactsUrl,
      MESH_CACHE_DIR: join(this.registry.folder, `cache-${name}`),
      MESH_HEALTH_PORT: '0',
      ...env,
    });
  }

  /** @returns its process, with `url` */
  async ingress(name = 'ingress', env = {}) {
    const child = this.#service('ingress-http', 'ingress', name, { MESH_HTTP_PORT: '0', ...env });
    const find = (output) => output.match(/Listening on (http:\/\/[\d.:]+\d)/)?.[1];
    return Object.assign(child, { url: await child.untilSaid(find) });
  }

  /** Resolves when somebody answers there as expected. @throws Error with the last status */
  async served(url, signal, status = 200) {
    const end = performance.now() + SERVED_WITHIN_MS;
    for (;;) {
      const response = await fetch(url, { signal });
      await response.arrayBuffer();
      if (response.status === status) return;
      if (performance.now() > end) throw new Error(`${url} still answers ${response.status}`);
      await delay(50, undefined, { signal });
    }
  }

  async stop() {
    for (const stoppable of this.#stops.splice(0).reverse()) await stoppable.stop();
  }

  #service(app, user, name, env) {
    return this.children.start(name, `${APPS}/${app}/src/main.js`, {
      MESH_NATS_URL: this.nats.url,
      MESH_NATS_USER: user,
      MESH_NATS_PASSWORD: this.nats.users[user].password,
      ...env,
    });
  }
}
