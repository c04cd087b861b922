import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { readConfig, type Settings } from '#contracts';
import type { Environment, Running } from '#lifecycle';
import type { NatsLogin } from '#servers';
import { settings as executorSettings } from '../../executor/src/config.js';
import { start as startExecutor } from '../../executor/src/executor.js';
import { settings as httpSettings } from '../../ingress-http/src/config.js';
import { start as startIngressHttp } from '../../ingress-http/src/ingress-http.js';
import { settings as mqttSettings } from '../../ingress-mqtt/src/config.js';
import { start as startIngressMqtt } from '../../ingress-mqtt/src/ingress-mqtt.js';
import { settings as sqsSettings } from '../../ingress-sqs/src/config.js';
import { start as startIngressSqs } from '../../ingress-sqs/src/ingress-sqs.js';
import { registrySettings } from '../../registry/src/config.js';
import { type RunningRegistry, start as startRegistry } from '../../registry/src/registry.js';
import type { EmbeddedConfig } from './config.js';
import { publishExamples } from './examples.js';
import { step } from './progress.js';
import type { Servers } from './servers.js';

/*
 * The five services in this process, each with the configuration that it would read from the environment of a
 * process of its own.
 */

/** What the services are told beside the configuration. */
export interface Surroundings {
  readonly servers: Servers;
  readonly meshDatabase: string;
  readonly examplesDatabase: string;
  readonly queue: string;
  /** Of this process: for values that handlers are offered. */
  readonly environment: Environment;
}

interface Context extends Surroundings {
  readonly config: EmbeddedConfig;
  readonly token: string;
  readonly artifactsUrl: string;
  /** The names offered to handlers. */
  readonly offered: string;
}

export interface Services {
  readonly http: string;
  readonly registry: string;
  readonly token: string;
  /** Control paths of the examples. */
  readonly examples: readonly string[];
  stop(): Promise<void>;
}

/** Stopped in the reverse order: callers first, what serves them last. */
export async function startServices(config: EmbeddedConfig, surroundings: Surroundings): Promise<Services> {
  const context: Context = {
    ...surroundings,
    config,
    token: config.adminToken ?? randomBytes(24).toString('hex'),
    artifactsUrl: pathToFileURL(join(config.dataDir, 'artifacts')).href,
    offered: ['DATABASE_URL', ...config.handlerEnvironment].join(','),
  };
  const started: Running[] = [];
  const stop = async () => {
    for (const service of started.reverse()) await service.stop();
  };
  const keep = <T extends Running>(service: T): T => {
    started.push(service);
    return service;
  };
  try {
    const registry = keep(
      await step(
        'registry',
        () => registryOf(context),
        ({ url }) => url,
      ),
    );
    // Before those who read the routes, so that they find them whole.
    const publishing = () => publishExamples(registry.url, context.token);
    const examples = await step('examples', publishing, (paths) => paths.join(', '));
    keep(
      await step(
        'executor',
        () => executorOf(context),
        () => `isolation: ${config.isolation}`,
      ),
    );
    const http = keep(
      await step(
        'ingress-http',
        () => ingressHttpOf(context),
        ({ url }) => url,
      ),
    );
    keep(
      await step(
        'ingress-mqtt',
        () => ingressMqttOf(context),
        () => context.servers.nats.mqttUrl ?? '',
      ),
    );
    keep(
      await step(
        'ingress-sqs',
        () => ingressSqsOf(context),
        () => context.queue,
      ),
    );
    return { http: http.url, registry: registry.url, token: context.token, examples, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function registryOf(context: Context): Promise<RunningRegistry> {
  const values = {
    ...tuned(context, registrySettings),
    ...natsAs(context, 'registry'),
    MESH_REGISTRY_PORT: String(context.config.registryPort),
    MESH_DATABASE_URL: context.meshDatabase,
    MESH_ARTIFACTS_URL: context.artifactsUrl,
    MESH_ADMIN_TOKEN: context.token,
    MESH_HANDLER_ENV: context.offered,
    MESH_IMPORT_SOURCES: context.config.importSources,
    MESH_IMPORT_SECONDS: context.config.importSeconds,
    ...awsOf(context),
  };
  const registry = await startRegistry(readConfig('registry', registrySettings, values));
  await registry.joined;
  return registry;
}

function executorOf(context: Context): Promise<Running> {
  const values = {
    ...tuned(context, executorSettings),
    ...natsAs(context, 'executor'),
    MESH_ARTIFACTS_URL: context.artifactsUrl,
    MESH_CACHE_DIR: join(context.config.dataDir, 'cache', 'executor'),
    MESH_HANDLER_ENV: context.offered,
    MESH_ISOLATION: context.config.isolation,
  };
  const environment = { ...context.environment, DATABASE_URL: context.examplesDatabase };
  return startExecutor(readConfig('executor', executorSettings, values), environment, { health: false });
}

function ingressHttpOf(context: Context): Promise<Running & { url: string }> {
  const values = {
    ...tuned(context, httpSettings),
    ...natsAs(context, 'ingress'),
    MESH_HTTP_PORT: String(context.config.httpPort),
    MESH_HTTP_CORS_ORIGINS: context.config.corsOrigins,
  };
  return startIngressHttp(readConfig('ingress-http', httpSettings, values));
}

function ingressMqttOf(context: Context): Promise<Running> {
  const { nats } = context.servers;
  const values = {
    ...tuned(context, mqttSettings),
    ...natsAs(context, 'ingress'),
    MESH_MQTT_URL: nats.mqttUrl,
    MESH_MQTT_USER: nats.users.bridge.user,
    MESH_MQTT_PASSWORD: nats.users.bridge.password,
  };
  return startIngressMqtt(readConfig('ingress-mqtt', mqttSettings, values), context.environment, {
    health: false,
  });
}

function ingressSqsOf(context: Context): Promise<Running> {
  const values = {
    ...tuned(context, sqsSettings),
    ...natsAs(context, 'ingress'),
    MESH_SQS_QUEUES: context.queue,
    ...awsOf(context),
  };
  return startIngressSqs(readConfig('ingress-sqs', sqsSettings, values), context.environment, {
    health: false,
  });
}

/** What may be tuned here as well as in a service of its own; where something listens, or keeps its data, is settled. */
const TUNABLE =
  /^MESH_(WORK|WORKER|RESULTS|CALLBACKS?|DEAD|SQS|MQTT|HTTP_TOKEN|HTTP_KEEP_ALIVE|LAMBDA|AUDIT|INVOCATIONS|GRACE|MAX|PROVIDED|SPARE|HANDLER_(CONCURRENCY|PAYLOAD|QUEUE|RATE|TIMEOUT|WARM|WORKERS))(_|$)/;

/** Those of a service's settings that this process was told; what the embedded mesh knows better goes before them. */
function tuned({ environment }: Context, settings: Settings): Environment {
  const names = Object.values(settings).map(({ variable }) => variable);
  return Object.fromEntries(
    names.filter((name) => TUNABLE.test(name)).map((name) => [name, environment[name]]),
  );
}

/** AWS's own variables for the emulator. */
function awsOf({ servers: { aws } }: Context): Environment {
  const { endpoint, region, credentials } = aws;
  return {
    AWS_ENDPOINT_URL: endpoint,
    AWS_REGION: region,
    AWS_ACCESS_KEY_ID: credentials.accessKeyId,
    AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
  };
}

function natsAs({ servers: { nats } }: Context, name: 'registry' | 'executor' | 'ingress'): Environment {
  const { user, password }: NatsLogin = nats.users[name];
  return { MESH_NATS_URL: nats.url, MESH_NATS_USER: user, MESH_NATS_PASSWORD: password };
}
