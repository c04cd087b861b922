import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { connect, openAuditReader, openRouteStore } from '#fabric';
import { pack } from '#packer';

const HANDLER = fileURLToPath(new URL('./handler', import.meta.url));
/** Batches of records taken at once. */
const BATCHES = 64;

/**
 * What a registry does for executors, without a database: it stores the handler's artifact, writes routes, and takes the
 * records of what ran out of stream AUDIT, so that an executor has the work that it has when deployed.
 */
export class StandInRegistry {
  #stopped = false;
  #taking;

  /** @param handler folder of the handler that a route has unless it says otherwise */
  static async start(nats, handler = HANDLER) {
    const folder = await mkdtemp(join(tmpdir(), 'lambda-mesh-bench-'));
    await mkdir(join(folder, 'sha256'));
    const { password } = nats.users.registry;
    const login = { natsUrl: nats.url, natsUser: 'registry', natsPassword: password };
    const connection = await connect({ ...login, name: 'bench-registry' });
    const registry = new StandInRegistry(folder, connection);
    registry.version = await registry.store(handler);
    registry.routes = await openRouteStore(connection);
    registry.#taking = registry.#takeRecords(await openAuditReader(connection));
    return registry;
  }

  constructor(folder, connection) {
    this.artifactsUrl = pathToFileURL(folder).href;
    this.folder = folder;
    this.connection = connection;
  }

  /** Packs a handler and keeps its artifact. @returns what a route says of it */
  async store(handler) {
    const { manifest, digest, artifact } = await pack(handler);
    await writeFile(this.#fileOf(digest), artifact);
    return { ...manifest, digest };
  }

  /** The bytes of an artifact. */
  read(digest) {
    return readFile(this.#fileOf(digest));
  }

  #fileOf(digest) {
    return join(this.folder, 'sha256', `${digest.slice('sha256:'.length)}.tgz`);
  }

  /** Makes the handler live under a path. @param changes of its manifest there */
  async route(path, changes = {}) {
    const { path: _own, description: _text, ...version } = { ...this.version, ...changes };
    const versions = [{ ...version, weight: 100 }];
    await this.routes.put({ path, revision: 1, versions, aliases: {} });
  }

  async #takeRecords(reader) {
    while (!this.#stopped) for (const batch of await reader.take(BATCHES)) batch.done();
  }

  async stop() {
    this.#stopped = true;
    await this.#taking;
    await this.connection.close();
    await rm(this.folder, { recursive: true, force: true });
  }
}
