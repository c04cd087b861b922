import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { jetstreamManager } from '@nats-io/jetstream';
import { AUDIT_STREAM, manifest as manifestSchema } from '#contracts';
import { connect } from '#fabric';
import { publish } from '#packer';
import { startAws, startNats, startPostgres } from '#servers';
import { Children } from '../http/child.mjs';
import { artifactOf } from '../mesh/artifact.mjs';
import { HANDLERS } from './handlers.mjs';

/*
 * The whole mesh as it is deployed: every service a process of its own, over real servers.
 */

const APPS = fileURLToPath(new URL('../../dist/apps', import.meta.url));
const TOKEN = 'the-token-of-this-soak';
/** The registry's, of stream AUDIT. */
const AUDIT_CONSUMER = 'registry-invocations';
const QUEUE_PATH = 'soak/works';
/** So short that what is kept of asynchronous calls comes to its full number during the warm-up. */
const RESULTS_SECONDS = '60';
const SERVED_WITHIN_MS = 30_000;

export class World {
  #stops = [];

  static async start(signal) {
    const world = new World();
    try {
      await world.#startServers();
      await world.#startServices(signal);
      return world;
    } catch (error) {
      await world.stop();
      throw error;
    }
  }

  /** By role: those whose memory counts. Postgres and the emulator of AWS are not the mesh's. */
  get pids() {
    return { nats: this.nats.pid, ...Object.fromEntries(this.services.map(({ name, pid }) => [name, pid])) };
  }

  /** Batches of records that the registry has not stored. */
  async unrecorded() {
    const { num_pending, num_ack_pending } = await this.manager.consumers.info(AUDIT_STREAM, AUDIT_CONSUMER);
    return num_pending + num_ack_pending;
  }

  async stop() {
    for (const stop of this.#stops.splice(0).reverse()) await stop();
  }

  async #startServers() {
    this.folder = await mkdtemp(join(tmpdir(), 'lambda-mesh-soak-'));
    this.#stops.push(() => rm(this.folder, { recursive: true, force: true }));
    this.nats = this.#keep(await startNats({ mqttPort: 0 }));
    this.postgres = this.#keep(await startPostgres());
    this.aws = this.#keep(await startAws());
    this.queue = await this.aws.createQueue('soak');
    this.children = this.#keep(new Children());
  }

  async #startServices(signal) {
    const artifacts = join(this.folder, 'artifacts');
    await mkdir(artifacts);
    const store = { MESH_ARTIFACTS_URL: pathToFileURL(artifacts).href };
    const registry = this.#service('registry', 'registry', {
      ...store,
      MESH_REGISTRY_PORT: '0',
      MESH_DATABASE_URL: await this.postgres.createDatabase('mesh'),
      MESH_ADMIN_TOKEN: TOKEN,
    });
    const registryUrl = await listening(registry);
    await this.#openManager();
    const executor = this.#service('executor', 'executor', {
      ...store,
      MESH_CACHE_DIR: join(this.folder, 'cache'),
    });
    const http = this.#service('ingress-http', 'ingress', {
      MESH_HTTP_PORT: '0',
      MESH_RESULTS_TTL: RESULTS_SECONDS,
    });
    const mqtt = this.#service('ingress-mqtt', 'ingress', this.#mqttSettings());
    const sqs = this.#service('ingress-sqs', 'ingress', this.#sqsSettings());
    this.services = [registry, executor, http, mqtt, sqs];
    this.http = await listening(http);
    for (const [path, code] of Object.entries(HANDLERS)) await publishTo(registryUrl, path, code);
    for (const path of Object.keys(HANDLERS)) await this.#served(`${this.http}/${path}`, signal);
  }

  async #openManager() {
    const { user: natsUser, password: natsPassword } = this.nats.users.registry;
    const connection = await connect({ natsUrl: this.nats.url, natsUser, natsPassword, name: 'bench' });
    this.#stops.push(() => connection.close());
    this.manager = await jetstreamManager(connection.nc);
  }

  #mqttSettings() {
    const { user, password } = this.nats.users.bridge;
    return { MESH_MQTT_URL: this.nats.mqttUrl, MESH_MQTT_USER: user, MESH_MQTT_PASSWORD: password };
  }

  #sqsSettings() {
    const { region, endpoint, credentials } = this.aws;
    return {
      MESH_SQS_QUEUES: `${this.queue}=${QUEUE_PATH}`,
      AWS_REGION: region,
      AWS_ENDPOINT_URL: endpoint,
      AWS_ACCESS_KEY_ID: credentials.accessKeyId,
      AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
    };
  }

  #service(app, user, env) {
    return this.children.start(app, `${APPS}/${app}/src/main.js`, {
      MESH_NATS_URL: this.nats.url,
      MESH_NATS_USER: user,
      MESH_NATS_PASSWORD: this.nats.users[user].password,
      MESH_HEALTH_PORT: '0',
      ...env,
    });
  }

  #keep(stoppable) {
    this.#stops.push(() => stoppable.stop());
    return stoppable;
  }

  async #served(url, signal) {
    const end = performance.now() + SERVED_WITHIN_MS;
    for (;;) {
      const { status, body } = await fetch(url, { signal });
      await body?.cancel();
      if (status !== 404 && status !== 503) return;
      if (performance.now() > end) throw new Error(`${url} still answers ${status}`);
      await delay(50, undefined, { signal });
    }
  }
}

const listening = (service) =>
  service.untilSaid((output) => output.match(/[Ll]isten(?:s|ing) on (http:\/\/[\d.:]+\d)/)?.[1]);

async function publishTo(registryUrl, path, code) {
  const manifest = manifestSchema.parse({ path, version: '1.0.0' });
  await publish({
    registryUrl,
    token: TOKEN,
    packed: { manifest, artifact: await artifactOf(manifest, code) },
  });
}
