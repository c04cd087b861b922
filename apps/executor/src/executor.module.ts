import { matchesGlob } from 'node:path/posix';
import {
  type BeforeApplicationShutdown,
  type DynamicModule,
  Injectable,
  Module,
  type OnApplicationBootstrap,
  type OnApplicationShutdown,
  type OnModuleDestroy,
} from '@nestjs/common';
import { v7 as uuidv7 } from 'uuid';
import {
  ATTEMPTS_BUCKET,
  type ControlPath,
  MeshError,
  poolConsumer,
  RESULTS_BUCKET,
  type Route,
  WORK_STREAM,
} from '#contracts';
import {
  type Connection,
  clientOptions,
  connect,
  createCallIntake,
  createInvoker,
  createSender,
  createStreamWriter,
  type Discovery,
  followCancels,
  openAuditWriter,
  openKeep,
  openWorkPuller,
  type RouteFeed,
  type RouteTable,
  serveDiscovery,
  watchRoutes,
} from '#fabric';
import { Complaints, logger, RegistryRpc } from '#lifecycle';
import { Outbox } from './audit/outbox.js';
import { Recorder } from './audit/recorder.js';
import { Instances } from './catalogue/instances.js';
import { type Artifacts, openArtifacts } from './catalogue/open-artifacts.js';
import { ReadyRoutes } from './catalogue/ready-routes.js';
import type { ExecutorConfig } from './config.js';
import { Deliver } from './deliver.js';
import { describeExecutor } from './discovered.js';
import { MeshPort } from './handler-port.js';
import { RequestIntake } from './intake/request-intake.js';
import { WorkIntake } from './intake/work-intake.js';
import { Invoke } from './invoke.js';
import { type AllowedOf, allowances } from './limits/admission.js';
import type { Ceilings } from './limits/allowed.js';
import { WorkLimits } from './limits/work-limits.js';
import { LogTails } from './log-tails.js';
import { InlineInstance } from './runtime/inline.js';
import { processRuntime } from './runtime/process.js';
import { providedRuntime } from './runtime/provided/provided.js';
import type { Runtime, WorkerLimits } from './runtime/runtime.js';
import { threadRuntime } from './runtime/thread.js';
import { DeadLetters } from './work/dead-letters.js';
import { EndWork } from './work/end-work.js';
import { Ledger } from './work/ledger.js';
import { RunWork } from './work/run-work.js';
import { WorkCounters } from './work/work-counters.js';

const log = logger('executor');
const CONNECTION = Symbol('connection');
const ROUTES = Symbol('routes');
const ALLOWED = Symbol('what each handler may have');
const CONFIG = Symbol('config');
const ENVIRONMENT = Symbol('handler environment');
const ARTIFACTS = Symbol('artifacts');

/** What decides how handlers run. */
type IsolationConfig = Pick<ExecutorConfig, 'isolation' | 'graceMs' | 'workerMemoryMb' | 'workerScratchMb'> &
  Partial<Pick<ExecutorConfig, 'workerCgroup' | 'provided' | 'spareThreads'>>;

/** How handlers run here. A program of its own is a process, whatever the isolation of those that are imported. */
export function runtimeOf(config: IsolationConfig): Runtime {
  const { graceMs, workerMemoryMb: memoryMb, workerScratchMb: scratchMb, workerCgroup: groups } = config;
  const limits = {
    graceMs,
    memoryMb,
    scratchMb,
    ...(groups === undefined ? {} : { groups }),
  };
  const imported = importedRuntime(config, limits);
  const provided = config.provided === 'no' ? refusing(imported) : providedRuntime(limits);
  const either: Runtime = (spec, port) => (spec.provided ? provided : imported)(spec, port);
  return Object.assign(either, { close: async () => imported.close?.() });
}

/** As of a kind of handler that nobody here runs. */
const refusing =
  (runtime: Runtime): Runtime =>
  (spec, port) =>
    runtime({ ...spec, folder: () => Promise.reject(new MeshError('unsupported-runtime')) }, port);

function importedRuntime(config: IsolationConfig, limits: WorkerLimits): Runtime {
  switch (config.isolation) {
    case 'inline':
      return (spec, port) => new InlineInstance(spec, port);
    case 'thread':
      return threadRuntime(limits, config.spareThreads);
    case 'process':
      return processRuntime(limits);
  }
}

/** Starts and stops the parts in an order in which nothing that was accepted is lost. */
@Injectable()
export class Executor
  implements OnApplicationBootstrap, OnModuleDestroy, BeforeApplicationShutdown, OnApplicationShutdown
{
  #discovery: Discovery | undefined;

  constructor(
    readonly connection: Connection,
    readonly routes: RouteFeed,
    private readonly ready: ReadyRoutes,
    readonly invoke: Invoke,
    readonly intake: RequestIntake,
    readonly work: WorkIntake,
    readonly outbox: Outbox,
    private readonly recorder: Recorder,
    readonly instances: Instances,
    private readonly artifacts: Artifacts,
    private readonly registry: RegistryRpc,
  ) {}

  async onApplicationBootstrap(): Promise<void> {
    this.ready.onChange((path, route) => this.#follow(path, route));
    await this.routes.whole;
    for (const route of this.ready.all()) this.#follow(route.path, route);
    this.intake.start();
    this.artifacts.prefetch.follow(this.routes);
    this.#discovery = serveDiscovery(
      this.connection,
      describeExecutor(this.outbox.executor, this.ready, this.intake.counters, this.intake.serves),
    );
    // The server has taken the subscriptions when it has answered what came after them.
    await this.connection.flush();
    this.work.start();
  }

  async onModuleDestroy(): Promise<void> {
    await this.#discovery?.stop();
    await Promise.all([this.intake.drain(), this.work.drain()]);
  }

  async beforeApplicationShutdown(): Promise<void> {
    // The ends of work are confirmed by the server before the connection goes.
    await Promise.all([this.intake.idle(), this.work.idle()]);
    const lost = await this.recorder.flush();
    if (lost > 0) log.error(`Invocation records that NATS did not take: ${lost}.`);
    if (this.connection.connected) await this.connection.flush();
    await this.instances.close();
  }

  #follow(path: ControlPath, route: Route | undefined): void {
    if (!this.intake.serves(path)) return;
    this.instances.retain(path, route);
    this.invoke.follow(path, route);
  }

  async onApplicationShutdown(): Promise<void> {
    this.ready.stop();
    await this.routes.stop();
    await this.artifacts.prefetch.stop();
    await this.registry.close();
    await this.connection.close();
    await this.artifacts.cache.close();
  }
}

@Module({})
export class ExecutorModule {}

/** @param environment where the values of the names in MESH_HANDLER_ENV are found */
export function executorModule(
  config: ExecutorConfig,
  environment: Readonly<Record<string, string>>,
): DynamicModule {
  return {
    module: ExecutorModule,
    providers: [
      { provide: CONFIG, useValue: config },
      { provide: ENVIRONMENT, useValue: environment },
      { provide: CONNECTION, useFactory: () => connect({ ...config, name: 'mesh-executor' }) },
      { provide: ROUTES, useFactory: watchRoutes, inject: [CONNECTION] },
      {
        provide: RegistryRpc,
        useFactory: () => new RegistryRpc(clientOptions({ ...config, name: 'mesh-executor-rpc' })),
      },
      {
        provide: ARTIFACTS,
        useFactory: (connection: Connection) => openArtifacts(config, connection, servedBy(config), log),
        inject: [CONNECTION],
      },
      {
        provide: Instances,
        useFactory: createInstances,
        inject: [CONNECTION, RegistryRpc, ARTIFACTS, ALLOWED, LogTails, CONFIG, ENVIRONMENT],
      },
      LogTails,
      { provide: ALLOWED, useFactory: () => allowances(ceilingsOf(config)) },
      {
        provide: ReadyRoutes,
        useFactory: (feed: RouteFeed, instances: Instances) => new ReadyRoutes(feed, instances),
        inject: [ROUTES, Instances],
      },
      {
        provide: Outbox,
        useFactory: (connection: Connection) => new Outbox(openAuditWriter(connection), uuidv7()),
        inject: [CONNECTION],
      },
      {
        provide: Recorder,
        useFactory: (outbox: Outbox) => new Recorder(outbox, config.auditSample),
        inject: [Outbox],
      },
      { provide: Invoke, useFactory: createInvoke, inject: [CONNECTION, Instances, ALLOWED] },
      {
        provide: RequestIntake,
        useFactory: createIntake,
        inject: [CONNECTION, ReadyRoutes, Invoke, LogTails, Recorder, CONFIG],
      },
      {
        provide: WorkIntake,
        useFactory: createWorkIntake,
        inject: [CONNECTION, ReadyRoutes, Invoke, Recorder, RequestIntake, CONFIG],
      },
      {
        provide: Executor,
        useFactory: (...parts: ConstructorParameters<typeof Executor>) => new Executor(...parts),
        inject: [
          CONNECTION,
          ROUTES,
          ReadyRoutes,
          Invoke,
          RequestIntake,
          WorkIntake,
          Outbox,
          Recorder,
          Instances,
          ARTIFACTS,
          RegistryRpc,
        ],
      },
    ],
  };
}

/** A bound of 0 is none. */
const ceilingsOf = (config: ExecutorConfig): Ceilings => ({
  timeoutMs: config.handlerTimeout,
  concurrency: config.handlerConcurrency,
  queue: config.handlerQueue,
  workers: config.handlerWorkers,
  warm: config.handlerWarm,
  memoryMb: config.workerMemoryMb,
  payloadBytes: config.handlerPayload || Number.POSITIVE_INFINITY,
  ratePerSecond: config.handlerRate || Number.POSITIVE_INFINITY,
});

/** Whether this executor runs a path. */
const servedBy =
  ({ handlers }: ExecutorConfig) =>
  (path: ControlPath): boolean =>
    handlers.some((pattern) => matchesGlob(path, pattern));

function createInstances(
  connection: Connection,
  registry: RegistryRpc,
  { cache }: Artifacts,
  allowedOf: AllowedOf,
  tails: LogTails,
  config: ExecutorConfig,
  environment: Readonly<Record<string, string>>,
): Instances {
  const publish = (subject: string, body: string) => connection.publish(subject, body);
  const port = new MeshPort(
    createInvoker(connection, { takesStreams: true }),
    publish,
    registry,
    logger('handler'),
    tails,
  );
  const { maxWorkers, workerIdle } = config;
  return new Instances(runtimeOf(config), port, cache, environment, maxWorkers, allowedOf, workerIdle);
}

function createInvoke(connection: Connection, instances: Instances, allowedOf: AllowedOf): Invoke {
  const invoke = new Invoke(instances, allowedOf);
  followCancels(connection, (id, code) => invoke.cancel(id, code));
  return invoke;
}

function createIntake(
  connection: Connection,
  routes: RouteTable,
  invoke: Invoke,
  tails: LogTails,
  recorder: Recorder,
  config: ExecutorConfig,
): RequestIntake {
  const maxBody = () => connection.maxBody;
  return new RequestIntake(
    createCallIntake(connection),
    routes,
    servedBy(config),
    invoke,
    tails,
    maxBody,
    recorder,
    log,
  );
}

function createWorkIntake(
  connection: Connection,
  routes: RouteTable,
  invoke: Invoke,
  recorder: Recorder,
  { counters }: RequestIntake,
  config: ExecutorConfig,
): WorkIntake {
  const writer = createStreamWriter(connection);
  const ledger = new Ledger(openKeep(connection, ATTEMPTS_BUCKET), log);
  const deliver = new Deliver(
    openKeep(connection, RESULTS_BUCKET),
    writer,
    createSender(connection),
    () => connection.maxBody,
  );
  const workCounters = new WorkCounters();
  const deadLetters = new DeadLetters(writer);
  const ending = new EndWork({ ledger, deadLetters, deliver, recorder, counters, workCounters, log });
  return new WorkIntake(
    poolConsumer(config.workPool),
    config.workSlots,
    (consumer, batch, onItem) =>
      openWorkPuller(connection, { stream: WORK_STREAM, consumer, batch, onItem, onLate: onItem }),
    routes,
    servedBy(config),
    new WorkLimits(routes, invoke.admission),
    ledger,
    new RunWork(routes, invoke, ledger, deliver, ending),
    workCounters,
    log,
    new Complaints(log),
  );
}
