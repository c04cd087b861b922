import { NestFactory } from '@nestjs/core';
import { ConfigError } from '#contracts';
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
import { showMetrics } from './metrics.js';
import { openMemoryGroups } from './runtime/memory-group.js';

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
  openGroups(config.workerCgroup);
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
  showMetrics(service, metrics);
  return {
    stop: async () => {
      readiness.stopping();
      await app.close();
      await health?.stop();
    },
  };
}

/** @throws ConfigError */
function openGroups(folder: string | undefined): void {
  if (folder === undefined) return;
  try {
    openMemoryGroups(folder);
  } catch (error) {
    const fault = error instanceof Error ? error.message : String(error);
    throw new ConfigError('executor', [
      `MESH_WORKER_CGROUP: ${fault} Remedy: a folder of cgroup v2 with the memory controller, delegated to this user; or leave it unset`,
    ]);
  }
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
