import { NestFactory } from '@nestjs/core';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { type ArtifactStore, openArtifactStore } from '#artifacts';
import { MeshError } from '#contracts';
import { type Connection, clientOptions, openObjectStore } from '#fabric';
import { createMetrics, type Log, logger, nestLogger, ProblemFilter, Readiness, run } from '#lifecycle';
import { Access, makeToken } from './api/access.js';
import { httpServer } from './api/http-server.js';
import { serveDocs } from './api/openapi.js';
import { OrphanSweep } from './artifacts/orphan-sweep.js';
import type { Catalogue } from './catalogue/catalogue.js';
import { openCatalogue } from './catalogue/open.js';
import { type RegistryConfig, refuseUnguarded, registrySettings } from './config.js';
import { Imports } from './imports/imports.js';
import { MeshLink } from './mesh-link.js';
import { Door } from './publish/door.js';
import { Recording } from './recording.js';
import { registryModule } from './registry.module.js';
import { Executors } from './routes/executors.js';
import { RouteWriter } from './routes/route-writer.js';
import { DrainingNats } from './rpc/draining-nats.js';
import { workSettingsOf } from './work/settings.js';
import { WorkKeeper } from './work/work-keeper.js';

/** The registry as a process of its own. */
export const main = (): Promise<void> => run('registry', registrySettings, start);

/** A registry that answers; whether it is ready, NATS included, `/health/ready` says. */
export interface RunningRegistry {
  /** Without trailing slash. */
  readonly url: string;
  /** Resolves when NATS was reached, routes were reconciled and control calls are taken. */
  readonly joined: Promise<void>;
  /** Finishes what was accepted, then lets go of NATS and Postgres. */
  stop(): Promise<void>;
}

const POSTGRES_WAIT_MS = 60_000;
const API_VERSION = '1';
const RPC_QUEUE = 'registry';

/**
 * Starts a registry: waits for Postgres (one minute at most), not for NATS.
 * @throws ConfigError when it would listen unguarded; Error when Postgres cannot be reached or the port is taken
 */
export async function start(config: RegistryConfig): Promise<RunningRegistry> {
  refuseUnguarded(config);
  const log = logger('registry');
  const catalogue = await openCatalogue({ url: config.databaseUrl, waitMs: POSTGRES_WAIT_MS, log });
  try {
    return await serve(config, catalogue, log);
  } catch (error) {
    await catalogue.close();
    throw error;
  }
}

async function serve(config: RegistryConfig, catalogue: Catalogue, log: Log): Promise<RunningRegistry> {
  const readiness = new Readiness();
  const routes = new RouteWriter(catalogue.outbox, log);
  const executors = new Executors();
  const work = new WorkKeeper(workSettingsOf(config), catalogue.outbox, log);
  const offer = { environment: config.handlerEnvironment };
  let link: MeshLink | undefined;
  const artifacts = await openArtifactStore(config, (bucket) =>
    openObjectStore(() => connectionOf(link), bucket, { create: true }),
  );
  const door = new Door(catalogue, artifacts, routes, offer);
  const imports = new Imports(config, door, log);
  const sweep = new OrphanSweep(artifacts, catalogue.artifacts, log);
  const access = new Access(config.adminToken ?? announcedToken(log), catalogue.tokens);
  const rpc = new DrainingNats({
    ...clientOptions({ ...config, name: 'mesh-registry-rpc' }),
    queue: RPC_QUEUE,
  });

  const metrics = createMetrics('registry');
  const recording = new Recording(catalogue, config.invocationsRetentionDays, metrics, log);
  const module = registryModule({
    catalogue,
    artifacts,
    door,
    imports,
    routes,
    executors,
    work,
    head: recording.head,
    rpc,
    readiness,
    metrics,
  });
  const app = await NestFactory.create<NestFastifyApplication>(
    module,
    httpServer(access, config.maxArtifactBytes),
    { logger: nestLogger, abortOnError: false, bodyParser: false },
  );
  app.useGlobalFilters(new ProblemFilter(log));
  app.connectMicroservice({ strategy: rpc });
  serveDocs(app, API_VERSION);
  await app.listen(config.port, config.host);

  const serveCalls = () => app.startAllMicroservices();
  const joining = new MeshLink(
    { ...config, name: 'registry' },
    routes,
    executors,
    recording,
    work,
    serveCalls,
    log,
  );
  link = joining;
  readiness
    .check('database', () => catalogue.reachable)
    .check('nats', () => joining.connected)
    .check('routes', () => routes.reconciled)
    .check('work', () => work.isReady)
    .check('rpc', () => rpc.connected);

  const url = await addressOf(app);
  log.info(`The registry listens on ${url}.`);
  sweep.start();
  await imports.start();
  const { joined } = joining;
  const stopHousework = () => Promise.all([imports.stop(), sweep.stop()]);
  return { url, joined, stop: () => stop(app, stopHousework, joining, artifacts, catalogue, readiness) };
}

/** In the order in which they lean on each other: callers first, what serves them last. */
async function stop(
  app: NestFastifyApplication,
  stopHousework: () => Promise<unknown>,
  link: MeshLink,
  artifacts: ArtifactStore,
  catalogue: Catalogue,
  readiness: Readiness,
): Promise<void> {
  readiness.stopping();
  link.leave();
  await Promise.all([app.close(), stopHousework()]);
  await link.stop();
  artifacts.close();
  await catalogue.close();
}

/** @throws MeshError `not-connected` while there is none yet */
function connectionOf(link: MeshLink | undefined): Connection {
  if (!link) throw new MeshError('not-connected');
  return link.connection;
}

function announcedToken(log: Log): string {
  const token = makeToken();
  log.info(`MESH_ADMIN_TOKEN is not set; until the next start the admin token is ${token}`);
  return token;
}

/** `getUrl()` says `[::1]` for any local address; what was asked for is what a caller can use. */
async function addressOf(app: NestFastifyApplication): Promise<string> {
  return (await app.getUrl()).replace('[::1]', 'localhost');
}
