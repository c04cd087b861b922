import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { NatsServer } from '#servers';
import { inTime } from './in-time.ts';
import { lastingPort } from './ports.ts';
import type { Servers } from './servers.ts';
import { type Environment, isReady, startService } from './service.ts';
import { type TcpProxy, tcpProxy } from './tcp-proxy.ts';
import { Unit } from './unit.ts';

export interface Services {
  readonly units: readonly Unit[];
  /** Of each service by its name: where it answers `/health/ready`. */
  readonly urls: ReadonlyMap<string, string>;
  /** Of each HTTP ingress. */
  readonly httpUrls: readonly string[];
  readonly registryUrl: string;
  readonly token: string;
  readonly queues: Queues;
  stop(): Promise<void>;
}

/** Queue URLs: what the mesh receives from, and where it ends up when it fails too often. */
export interface Queues {
  readonly standard: string;
  readonly fifo: string;
  readonly dead: readonly string[];
}

export const PATH = 'chaos/record';
const START_LIMIT_MS = 60_000;
const TOKEN = 'the-token-of-this-run';
/** Shorter than a long freeze, so that a message is then given to the other ingress. */
const VISIBILITY_SECONDS = '6';
const MAX_RECEIVES = 6;

function notUp(units: readonly Unit[]): Error {
  const late = units.filter(({ phase }) => phase !== 'up');
  return new Error(
    ['Not ready in time:', ...late.map((unit) => `${unit.name} (${unit.phase})\n${unit.log(10)}`)].join('\n'),
  );
}

interface Kind {
  readonly app: string;
  readonly user: keyof NatsServer['users'];
  readonly count: number;
  /** The variable of the port on which it answers `/health/ready`. */
  readonly port: string;
  environment(name: string): Environment;
}

export async function startServices(folder: string, servers: Servers): Promise<Services> {
  const queues = await makeQueues(servers);
  const made = (
    await Promise.all(kindsOf(folder, servers, queues).map((kind) => several(folder, servers, kind)))
  ).flat();
  const units = made.map(({ unit }) => unit);
  const stop = async () => {
    await Promise.all(units.map((unit) => unit.stop()));
    await Promise.all(made.map(({ proxy }) => proxy.stop()));
  };
  await inTime(Promise.all(units.map((unit) => unit.start())), START_LIMIT_MS, () => notUp(units)).catch(
    async (error) => {
      await stop();
      throw error;
    },
  );
  const ofApp = (app: string) => made.filter((one) => one.app === app).map(({ url }) => url);
  const [registryUrl] = ofApp('registry');
  return {
    units,
    urls: new Map(made.map(({ unit, url }) => [unit.name, url])),
    httpUrls: ofApp('ingress-http'),
    registryUrl: registryUrl as string,
    token: TOKEN,
    queues,
    stop,
  };
}

function kindsOf(folder: string, servers: Servers, queues: Queues): Kind[] {
  const artifacts = join(folder, 'artifacts');
  mkdirSync(artifacts);
  const MESH_ARTIFACTS_URL = pathToFileURL(artifacts).href;
  const { mqtt, aws } = servers;
  return [
    {
      app: 'registry',
      user: 'registry',
      count: 1,
      port: 'MESH_REGISTRY_PORT',
      environment: () => ({
        MESH_ARTIFACTS_URL,
        MESH_DATABASE_URL: servers.catalogueDatabase,
        MESH_ADMIN_TOKEN: TOKEN,
        MESH_HANDLER_ENV: 'DATABASE_URL',
      }),
    },
    {
      app: 'executor',
      user: 'executor',
      count: 2,
      port: 'MESH_HEALTH_PORT',
      environment: (name) => ({
        MESH_ARTIFACTS_URL,
        MESH_CACHE_DIR: join(folder, `cache-${name}`),
        MESH_HANDLER_ENV: 'DATABASE_URL',
        DATABASE_URL: servers.chaosDatabase,
      }),
    },
    { app: 'ingress-http', user: 'ingress', count: 2, port: 'MESH_HTTP_PORT', environment: () => ({}) },
    {
      app: 'ingress-mqtt',
      user: 'ingress',
      count: 2,
      port: 'MESH_HEALTH_PORT',
      environment: () => ({
        MESH_MQTT_URL: mqtt.url,
        // nats-server has no shared subscriptions: there one works and the other stands by.
        ...(mqtt.shares ? { MESH_MQTT_SHARE: 'chaos' } : {}),
        ...(mqtt.user ? { MESH_MQTT_USER: mqtt.user, MESH_MQTT_PASSWORD: mqtt.password ?? '' } : {}),
      }),
    },
    {
      app: 'ingress-sqs',
      user: 'ingress',
      count: 2,
      port: 'MESH_HEALTH_PORT',
      environment: () => ({
        MESH_SQS_QUEUES: `${queues.standard}=${PATH},${queues.fifo}=${PATH}`,
        MESH_SQS_CONCURRENCY: '40',
        AWS_REGION: aws.region,
        AWS_ENDPOINT_URL: aws.endpoint,
        AWS_ACCESS_KEY_ID: aws.credentials.accessKeyId,
        AWS_SECRET_ACCESS_KEY: aws.credentials.secretAccessKey,
      }),
    },
  ];
}

interface Made {
  readonly app: string;
  readonly unit: Unit;
  readonly url: string;
  readonly proxy: TcpProxy;
}

function several(folder: string, servers: Servers, kind: Kind): Promise<Made[]> {
  return Promise.all(
    Array.from({ length: kind.count }, (_, index) => make(folder, servers, kind, `${kind.app}-${index + 1}`)),
  );
}

/** Between each service and NATS stands a cable of its own, which can be pulled. */
async function make(folder: string, { nats }: Servers, kind: Kind, name: string): Promise<Made> {
  const port = await lastingPort();
  const proxy = await tcpProxy(nats.port);
  const url = `http://127.0.0.1:${port}`;
  const environment = {
    MESH_NATS_URL: `nats://127.0.0.1:${proxy.port}`,
    MESH_NATS_USER: nats.users[kind.user].user,
    MESH_NATS_PASSWORD: nats.users[kind.user].password,
    [kind.port]: String(port),
    ...kind.environment(name),
  };
  const logFile = join(folder, 'logs', `${name}.log`);
  const unit = new Unit({
    name,
    launch: async () => startService(kind.app, environment, logFile),
    ready: () => isReady(url),
    cable: proxy,
  });
  return { app: kind.app, unit, url, proxy };
}

async function makeQueues({ aws }: Servers): Promise<Queues> {
  const redrive = (dead: string) =>
    JSON.stringify({
      deadLetterTargetArn: `arn:aws:sqs:${aws.region}:000000000000:${dead}`,
      maxReceiveCount: MAX_RECEIVES,
    });
  const dead = [await aws.createQueue('dead'), await aws.createQueue('dead.fifo', { FifoQueue: 'true' })];
  const common = { VisibilityTimeout: VISIBILITY_SECONDS };
  const standard = await aws.createQueue('chaos', { ...common, RedrivePolicy: redrive('dead') });
  const fifo = await aws.createQueue('chaos.fifo', {
    ...common,
    FifoQueue: 'true',
    RedrivePolicy: redrive('dead.fifo'),
  });
  return { standard, fifo, dead };
}
