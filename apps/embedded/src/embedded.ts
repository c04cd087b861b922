import { mkdir } from 'node:fs/promises';
import { resolve } from 'node:path';
import { type Environment, type Running, run } from '#lifecycle';
import { type EmbeddedConfig, settings } from './config.js';
import { seedExamples } from './examples.js';
import { type MeshFile, removeMeshFile, writeMeshFile } from './mesh-file.js';
import { say, step } from './progress.js';
import { type Servers, startServers } from './servers.js';
import { type Services, startServices } from './services.js';

export const main = () => run('embedded', settings, start);

/** Starts the whole mesh on this machine; resolves when every service is ready and `mesh.json` is written. */
export async function start(
  given: EmbeddedConfig,
  environment: Environment,
): Promise<Running & { urls: MeshFile }> {
  const started = performance.now();
  const config = { ...given, dataDir: resolve(given.dataDir) };
  await mkdir(config.dataDir, { recursive: true });
  await removeMeshFile(config.dataDir);
  say(`λ-mesh starts; data in ${config.dataDir}`);

  const servers = await startServers(config);
  try {
    const { services, urls } = await startOn(servers, config, environment);
    const file = await writeMeshFile(config.dataDir, urls);
    say(summary(urls, services.examples, file, performance.now() - started));
    return { urls, stop: () => stop(config.dataDir, services, servers) };
  } catch (error) {
    await servers.stop();
    throw error;
  }
}

async function startOn(
  servers: Servers,
  config: EmbeddedConfig,
  environment: Environment,
): Promise<{ services: Services; urls: MeshFile }> {
  const [meshDatabase, examplesDatabase, queue] = await Promise.all([
    servers.postgres.createDatabase('mesh'),
    servers.postgres.createDatabase('examples'),
    servers.aws.createQueue('mesh'),
  ]);
  await step(
    'data',
    () => seedExamples(examplesDatabase),
    () => 'table users, ids 1–1000',
  );
  const services = await startServices(config, {
    servers,
    meshDatabase,
    examplesDatabase,
    queue,
    environment,
  });
  const urls: MeshFile = {
    pid: process.pid,
    http: services.http,
    registry: services.registry,
    nats: servers.nats.url,
    mqtt: servers.nats.mqttUrl ?? '',
    aws: servers.aws.endpoint,
    queue,
    database: examplesDatabase,
    operator: servers.nats.users.operator,
    token: services.token,
  };
  return { services, urls };
}

/** Services first, so that what they accepted is finished while the servers are there. */
async function stop(dataDir: string, services: Services, servers: Servers): Promise<void> {
  await removeMeshFile(dataDir);
  await services.stop();
  await servers.stop();
}

function summary(urls: MeshFile, examples: readonly string[], file: string, ms: number): string {
  return `
λ-mesh is ready after ${(ms / 1000).toFixed(1)} s.

  HTTP       ${urls.http}        pages: /docs, /metrics
  registry   ${urls.registry}        page: /docs
  NATS       ${urls.nats}
  MQTT       ${urls.mqtt}
  SQS, S3    ${urls.aws}        queue: ${urls.queue}
  handlers   ${examples.join(', ')}
  addresses and admin token: ${file}

Try:
  curl '${urls.http}/users/find?id=42'
  mosquitto_pub -p ${new URL(urls.mqtt).port} -t users/find -q 1 -m '{"id":"7"}'
  nats -s ${urls.nats} request mesh.call.users.find '{"id":"42"}'

Ctrl-C stops everything.
`;
}
