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
import { ATTEMPTS_BUCKET, type ControlPath, poolConsumer, RESULTS_BUCKET, WORK_STREAM } from '#contracts';
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
  serveDiscovery,
  watchRoutes,
} from '#fabric';
import { Complaints, logger, RegistryRpc } from '#lifecycle';
import { Outbox } from './audit/outbox.js';
import { Recorder } from './audit/recorder.js';
import { Instances } from './catalogue/instances.js';
import { type Artifacts, openArtifacts } from './catalogue/open-artifacts.js';
import type { ExecutorConfig } from './config.js';
import { Deliver } from './deliver.js';
import { describeExecutor } from './discovered.js';
import { MeshPort } from './handler-port.js';
import { RequestIntake } from './intake/request-intake.js';
import { WorkIntake } from './intake/work-intake.js';
import { Invoke } from './invoke.js';
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
const CONFIG = Symbol('config');
const ENVIRONMENT = Symbol('handler environment');
const ARTIFACTS = Symbol('artifacts');

/** What decides how handlers run. */
type IsolationConfig = Pick<
  ExecutorConfig,
  'isolation' | 'graceMs' | 'workerMemoryMb' | 'workerScratchMb'
>;

/** How handlers run here. A program of its own is a process, whatever the isolation of those that are imported. */
export function runtimeOf(config: IsolationConfig): Runtime {
  const { graceMs, workerMemoryMb: memoryMb, workerScratchMb: scratchMb } = config;
  const limits = { graceMs, memoryMb, scratchMb };
  const imported = importedRuntime(config, limits);
  const provided = providedRuntime(limits);
  return (spec, port) => (spec.runtime === 'provided' ? provided : imported)(spec, port);
}

function importedRuntime(config: IsolationConfig, limits: WorkerLimits): Runtime {
  switch (config.isolation) {
    case 'inline':
      return (spec, port) => new InlineInstance(spec, port);
    case 'thread':
      return threadRuntime(limits);
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
    readonly intake: RequestIntake,
    readonly work: WorkIntake,
    readonly outbox: Outbox,
    private readonly recorder: Recorder,
    private readonly instances: Instances,
    private readonly artifacts: Artifacts,
    private readonly registry: RegistryRpc,
  ) {}

  async onApplicationBootstrap(): Promise<void> {
    this.routes.onChange((path, route) => this.instances.retain(path, route));
    await this.routes.whole;
    this.intake.start();
    this.artifacts.prefetch.follow(this.routes);
    this.#discovery = serveDiscovery(
      this.connection,
      describeExecutor(this.outbox.executor, this.routes, this.intake.counters, this.intake.serves),
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

  async onApplicationShutdown(): Promise<void> {
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
        inject: [CONNECTION, RegistryRpc, ARTIFACTS, CONFIG, ENVIRONMENT],
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
      { provide: Invoke, useFactory: createInvoke, inject: [CONNECTION, Instances, CONFIG] },
      {
        provide: RequestIntake,
        useFactory: createIntake,
        inject: [CONNECTION, ROUTES, Invoke, Recorder, CONFIG],
      },
      {
        provide: WorkIntake,
        useFactory: createWorkIntake,
        inject: [CONNECTION, ROUTES, Invoke, Recorder, RequestIntake, CONFIG],
      },
      {
        provide: Executor,
        useFactory: (...parts: ConstructorParameters<typeof Executor>) => new Executor(...parts),
        inject: [
          CONNECTION,
          ROUTES,
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

/** Whether this executor runs a path. */
const servedBy =
  ({ handlers }: ExecutorConfig) =>
  (path: ControlPath): boolean =>
    handlers.some((pattern) => matchesGlob(path, pattern));

function createInstances(
  connection: Connection,
  registry: RegistryRpc,
  { cache }: Artifacts,
  config: ExecutorConfig,
  environment: Readonly<Record<string, string>>,
): Instances {
  const publish = (subject: string, body: string) => connection.publish(subject, body);
  const port = new MeshPort(createInvoker(connection), publish, registry, logger('handler'));
  return new Instances(runtimeOf(config), port, cache, environment, config.maxWorkers, config.workerIdle);
}

function createInvoke(
  connection: Connection,
  instances: Instances,
  { handlerConcurrency, handlerQueue }: ExecutorConfig,
): Invoke {
  const invoke = new Invoke(instances, { concurrency: handlerConcurrency, queue: handlerQueue });
  followCancels(connection, (id, code) => invoke.cancel(id, code));
  return invoke;
}

function createIntake(
  connection: Connection,
  routes: RouteFeed,
  invoke: Invoke,
  recorder: Recorder,
  config: ExecutorConfig,
): RequestIntake {
  const maxBody = () => connection.maxBody;
  return new RequestIntake(
    createCallIntake(connection),
    routes,
    servedBy(config),
    invoke,
    maxBody,
    recorder,
    log,
  );
}

function createWorkIntake(
  connection: Connection,
  routes: RouteFeed,
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
    ledger,
    new RunWork(routes, invoke, ledger, deliver, ending),
    workCounters,
    log,
    new Complaints(log),
  );
}
