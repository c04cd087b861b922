import { NestFactory } from '@nestjs/core';
import { Gauge } from 'prom-client';
import {
  createMetrics,
  type Environment,
  nestLogger,
  Readiness,
  type Running,
  run,
  serveHealth,
} from '#lifecycle';
import { type ExecutorConfig, settings } from './config.js';
import { Executor, executorModule } from './executor.module.js';
import type { WorkIntake } from './intake/work-intake.js';

export const main = () => run('executor', settings, start);

/**
 * Starts an executor; resolves when it serves every live handler.
 * @param environment where the values of the names in MESH_HANDLER_ENV are found
 * @param options `health: false` inside another process, whose own health stands for all
 */
export async function start(
  config: ExecutorConfig,
  environment: Environment,
  options: { health: boolean } = { health: true },
): Promise<Running> {
  // A handler's stack names its author's own lines; a thread has this by its own option.
  if (config.isolation === 'inline') process.setSourceMapsEnabled(true);
  let executor: Executor | undefined;
  const readiness = new Readiness()
    .check('nats', () => executor?.connection.connected ?? false)
    .check('routes', () => executor?.routes.isWhole ?? false);
  const metrics = createMetrics('executor');
  // Before anything that may have to be waited for: an operator can ask what is missing.
  const health = options.health
    ? await serveHealth('executor', readiness, metrics, config.healthHost, config.healthPort)
    : undefined;

  const app = await NestFactory.createApplicationContext(
    executorModule(config, offered(config.handlerEnvironment, environment)),
    { logger: nestLogger, abortOnError: false },
  );
  const service = app.get(Executor);
  executor = service;
  countCalls(service, metrics);
  countWork(service.work, metrics);
  return {
    stop: async () => {
      readiness.stopping();
      await app.close();
      await health?.stop();
    },
  };
}

/** The operator's offer, with values: what a handler may see at the most. */
function offered(names: readonly string[], environment: Environment): Record<string, string> {
  return Object.fromEntries(
    names.flatMap((name) => {
      const value = environment[name];
      return value === undefined || name.startsWith('MESH_') ? [] : [[name, value]];
    }),
  );
}

type Collect = (gauge: Gauge) => void;

const gaugesOf =
  (metrics: ReturnType<typeof createMetrics>) =>
  (name: string, help: string, collect: Collect, labelNames: string[] = []): Gauge =>
    new Gauge({
      name,
      help,
      labelNames,
      registers: [metrics],
      collect() {
        collect(this);
      },
    });

/** Read from the counters when asked, so that a call costs nothing more. */
function countCalls(executor: Executor, metrics: ReturnType<typeof createMetrics>): void {
  const gauge = gaugesOf(metrics);
  const { intake } = executor;
  gauge('mesh_executor_in_flight', 'Calls that are being run.', (g) => g.set(intake.inFlight));
  const { outbox } = executor;
  gauge('mesh_executor_audit_waiting', 'Invocation records that wait for NATS.', (g) =>
    g.set(outbox.waiting),
  );
  gauge(
    'mesh_executor_audit_dropped_total',
    'Invocation records that memory had no room for while NATS was away.',
    (g) => {
      for (const [outcome, count] of Object.entries(outbox.dropped)) g.set({ outcome }, count);
    },
    ['outcome'],
  );
  gauge(
    'mesh_executor_requests_total',
    'Runs of the handler of a path, for calls and for work.',
    (g) => {
      for (const [path, counters] of intake.counters) g.set({ path }, counters.requests);
    },
    ['path'],
  );
  gauge(
    'mesh_executor_errors_total',
    'Runs of the handler of a path that did not end OK.',
    (g) => {
      for (const [path, counters] of intake.counters) g.set({ path }, counters.errors);
    },
    ['path'],
  );
}

function countWork(work: WorkIntake, metrics: ReturnType<typeof createMetrics>): void {
  const gauge = gaugesOf(metrics);
  gauge('mesh_executor_work_in_hand', 'Events of work in hand: running, parked or being looked up.', (g) =>
    g.set(work.inHand),
  );
  gauge('mesh_executor_work_running', 'Events of work that are being run.', (g) => g.set(work.running));
  gauge('mesh_executor_work_parked', 'Events of work that wait here for their share of the slots.', (g) =>
    g.set(work.parked),
  );
  gauge('mesh_executor_work_open', 'Whether the consumer of the pool is there.', (g) =>
    g.set(work.isOpen ? 1 : 0),
  );
  gauge(
    'mesh_executor_work_total',
    'Events of work of a path that were retried after a failure, deferred for want of a slot, or became dead letters.',
    (g) => {
      for (const [path, counts] of work.counters.all)
        for (const [end, count] of Object.entries(counts)) g.set({ path, end }, count);
    },
    ['path', 'end'],
  );
}
