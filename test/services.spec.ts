import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import pg from 'pg';
import { pack, publish } from '#packer';
import {
  type AwsServer,
  type NatsServer,
  type PostgresServer,
  startAws,
  startNats,
  startPostgres,
} from '#servers';
import { ServiceProcess } from './fixtures/service-process.js';
import { callsOf, countSqs, publishMqtt, sendSqs, sqsClient, withNats } from './fixtures/sources.js';
import { until } from './fixtures/until.js';

/*
 * The five services as they are deployed: a process each, configured by its environment, each NATS user with its own
 * permissions.
 */

const TOKEN = 'a-token-for-this-test';
let folder: string;
let nats: NatsServer;
let postgres: PostgresServer;
let aws: AwsServer;
let queue: string;
const services: Record<string, ServiceProcess> = {};
const urls = { http: '', registry: '' };

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mesh-services-'));
  [nats, postgres, aws] = await Promise.all([startNats({ mqttPort: 0 }), startPostgres(), startAws()]);
  queue = await aws.createQueue('mesh');
  await startServices();
  await publishUsersFind();
}, 120_000);

afterAll(async () => {
  await ServiceProcess.endAll();
  await Promise.all([nats.stop(), postgres.stop(), aws.stop()]);
  await rm(folder, { recursive: true, force: true });
});

function natsAs(user: 'registry' | 'executor' | 'ingress'): Record<string, string> {
  const { user: name, password } = nats.users[user];
  return { MESH_NATS_URL: nats.url, MESH_NATS_USER: name, MESH_NATS_PASSWORD: password };
}

async function startServices(): Promise<void> {
  const examples = await postgres.createDatabase('examples');
  await seed(examples);
  const artifacts = { MESH_ARTIFACTS_URL: pathToFileURL(join(folder, 'artifacts')).href };
  const offered = { MESH_HANDLER_ENV: 'DATABASE_URL', DATABASE_URL: examples };
  // Whoever needs another waits for it: the order does not matter, so this one is the least convenient.
  services.executor = new ServiceProcess('executor', {
    ...natsAs('executor'),
    ...artifacts,
    ...offered,
    MESH_HEALTH_PORT: '0',
  });
  services['ingress-sqs'] = new ServiceProcess('ingress-sqs', {
    ...natsAs('ingress'),
    MESH_SQS_QUEUES: queue,
    MESH_HEALTH_PORT: '0',
    AWS_ENDPOINT_URL: aws.endpoint,
    AWS_REGION: aws.region,
    AWS_ACCESS_KEY_ID: aws.credentials.accessKeyId,
    AWS_SECRET_ACCESS_KEY: aws.credentials.secretAccessKey,
  });
  services['ingress-mqtt'] = new ServiceProcess('ingress-mqtt', {
    ...natsAs('ingress'),
    MESH_MQTT_URL: nats.mqttUrl as string,
    MESH_MQTT_USER: nats.users.bridge.user,
    MESH_MQTT_PASSWORD: nats.users.bridge.password,
    MESH_HEALTH_PORT: '0',
  });
  services['ingress-http'] = new ServiceProcess('ingress-http', {
    ...natsAs('ingress'),
    MESH_HTTP_PORT: '0',
  });
  services.registry = new ServiceProcess('registry', {
    ...natsAs('registry'),
    ...artifacts,
    MESH_HANDLER_ENV: 'DATABASE_URL',
    MESH_REGISTRY_PORT: '0',
    MESH_DATABASE_URL: await postgres.createDatabase('mesh'),
    MESH_ADMIN_TOKEN: TOKEN,
  });
  urls.registry = await addressOf(services.registry, 'listens on ');
  urls.http = await addressOf(services['ingress-http'], 'Listening on ');
}

async function addressOf(service: ServiceProcess, before: string): Promise<string> {
  await service.printed(before);
  const address = new RegExp(`${before}(http://[0-9.:]+\\d)`);
  return until(async () => address.exec(service.output)?.[1]);
}

async function seed(database: string): Promise<void> {
  const client = new pg.Client({ connectionString: database });
  await client.connect();
  await client.query(await readFile('examples/users-find/seed.sql', 'utf8'));
  await client.end();
}

async function publishUsersFind(): Promise<void> {
  const packed = await pack('examples/users-find');
  await publish({ registryUrl: urls.registry, token: TOKEN, packed });
}

describe('five services, a process each', () => {
  it('serve a version soon after it was published', async () => {
    const row = await until(async () => {
      const answer = await fetch(`${urls.http}/users/find?id=42`);
      return answer.status === 200 && ((await answer.json()) as { id: number });
    });
    expect(row).toMatchObject({ id: 42 });
  });

  it('answer a NATS client, a device and a queue with the same handler', async () => {
    await withNats(nats.url, async (nc) => {
      const reply = await nc.request('mesh.call.users.find', '{"id":"1000"}', { timeout: 5_000 });
      expect(reply.json()).toMatchObject({ id: 1000 });
    });
    const before = await callsOf(nats.url, 'users/find');
    await publishMqtt(nats.mqttUrl as string, 'users/find', '{"id":"7"}');
    await until(async () => (await callsOf(nats.url, 'users/find')) === before + 1);
    const client = sqsClient(aws.endpoint);
    await sendSqs(client, queue, 'users/find', '{"id":"7"}');
    await until(async () => (await countSqs(client, queue)) === 0);
    expect(await callsOf(nats.url, 'users/find')).toBe(before + 2);
    client.destroy();
  });

  it('stop in order at SIGTERM', async () => {
    for (const service of Object.values(services)) expect(await service.end('SIGTERM')).toBe(0);
  });
});

describe('a service with a wrong configuration', () => {
  it('names every faulty variable and its remedy, and ends', async () => {
    const executor = new ServiceProcess('executor', {
      MESH_NATS_URL: 'http://127.0.0.1',
      MESH_MAX_WORKERS: 'many',
      MESH_ISOLATION: 'jail',
    });
    await expect(executor.printed('never')).rejects.toThrow();
    expect(executor.child.exitCode).toBe(1);
    for (const variable of ['MESH_NATS_URL', 'MESH_MAX_WORKERS', 'MESH_ISOLATION', 'MESH_ARTIFACTS_URL'])
      expect(executor.output).toMatch(new RegExp(`${variable}.*Remedy: `));
  });
});
