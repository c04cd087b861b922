import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { ConfigError } from '#contracts';
import { type Environment, logger, nestLogger, type Running, run } from '#lifecycle';
import { checkHost, type ServeConfig, settings } from './config.js';
import { findHandler } from './find-handler.js';
import { HANDLER, HandlerController, type Loaded } from './handler.controller.js';
import { DetailFilter, httpServer } from './http-server.js';
import { OneHandler } from './one-handler.js';
import { documentApi } from './openapi.js';
import { packHandler } from './pack-handler.js';

/*
 * A worker of one handler, behind `POST /`: no NATS, no registry, no database. `mesh serve` starts it.
 *
 *   find-handler        a dotted path or a file → a module, or a callable of Python
 *   pack-handler        → an artifact, packed as for the mesh; Python: the example runtime beside it
 *   one-handler         what an executor runs a handler with, for a route that names this one alone
 *   handler.controller  POST /, GET /health      request-data  body → payload, or what is wrong with it
 *   openapi             GET /docs                from-outcome  outcome → result or detail
 */

const log = logger('serve');

export const main = () => run('serve', settings, start);

@Module({})
class ServeModule {}

/** Starts it; resolves when it listens. A handler that cannot be had is told in the log, and by each answer. */
export async function start(
  config: ServeConfig,
  environment: Environment,
  folder: string = process.cwd(),
): Promise<Running & { readonly url: string }> {
  checkHost(config);
  const handler = await openHandler(config, environment, folder);
  const app = await NestFactory.create<NestFastifyApplication>(
    {
      module: ServeModule,
      controllers: [HandlerController],
      providers: [{ provide: HANDLER, useValue: { handler } satisfies Loaded }],
    },
    httpServer(),
    { logger: nestLogger, bodyParser: false, abortOnError: false },
  );
  app.useGlobalFilters(new DetailFilter());
  documentApi(app);
  const stop = async () => {
    await app.close();
    await handler?.close();
  };
  await listen(app, config).catch(async (error: unknown) => {
    await stop();
    throw error;
  });
  const url = await app.getUrl();
  log.info(`Serving ${config.handlerFunction ?? 'no handler'} at ${url}, described at ${url}/docs.`);
  return { url, stop };
}

/** @throws ConfigError where the address cannot be had */
async function listen(app: NestFastifyApplication, { host, port }: ServeConfig): Promise<void> {
  try {
    await app.listen(port, host);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const what = code === 'EADDRINUSE' ? 'is already taken' : `cannot be listened on (${code})`;
    const remedy =
      'another one by MESH_SERVE_PORT and MESH_SERVE_HOST, or --port and --host; port 0 is a free one';
    throw new ConfigError('serve', [`${host}:${port} ${what}. Remedy: ${remedy}.`]);
  }
}

async function openHandler(
  config: ServeConfig,
  environment: Environment,
  folder: string,
): Promise<OneHandler | undefined> {
  const { handlerFunction: name } = config;
  try {
    if (name === undefined) throw new Error('HANDLER_FUNCTION is not set.');
    const found = await findHandler(name, folder);
    return await OneHandler.start(await packHandler(found, folder, environment), config, log);
  } catch (error) {
    log.error('Handler function not loaded.', { reason: error instanceof Error ? error.message : error });
    return undefined;
  }
}
