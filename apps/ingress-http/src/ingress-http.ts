import type { RequestListener, Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { DocumentBuilder, SwaggerModule } from '@nestjs/swagger';
import {
  answerProblem,
  createMetrics,
  type Environment,
  logger,
  nestLogger,
  ProblemFilter,
  Readiness,
  type Running,
  run,
} from '#lifecycle';
import { accessCheck, refuseUnguarded } from './access.js';
import { AsyncCalls, type AsyncOptions } from './async/async-calls.js';
import { Invocations } from './async/invocations.js';
import { CallHandler } from './call-handler.js';
import { countCallbacks } from './callback/callback-metrics.js';
import { Callbacks } from './callback/callbacks.js';
import { type IngressHttpConfig, refuseUnsigned, settings } from './config.js';
import { createHttpServer } from './http-listener.js';
import { type IngressParts, ingressHttpModule } from './ingress-http.module.js';
import { Functions } from './lambda/functions.js';
import { lambdaAccess } from './lambda/lambda-access.js';
import { LambdaApi } from './lambda/lambda-api.js';
import { MeshLink } from './mesh-link.js';
import { RequestMetrics } from './request-metrics.js';
import { Router } from './router.js';

export const main = () => run('ingress-http', settings, start);

/** Listens at once, answering 503 until NATS is there; resolves when the routes are known. */
export async function start(
  config: IngressHttpConfig,
  _environment?: Environment,
): Promise<Running & { url: string }> {
  refuseUnguarded(config);
  refuseUnsigned(config);
  const log = logger('ingress-http');
  const router = new Router();
  const functions = new Functions();
  const link = new MeshLink(config, {
    update: (path, route) => {
      router.update(path, route);
      functions.update(path, route);
    },
  });
  const metrics = createMetrics('ingress-http');
  const requestMetrics = new RequestMetrics(metrics, () => calls.inFlight);
  const callbacks = new Callbacks(config, countCallbacks(metrics), log);
  const asyncCalls = new AsyncCalls(asyncOptions(config, callbacks));
  const access = lambdaAccess(config);
  const calls: CallHandler = new CallHandler(
    router,
    link,
    accessCheck(config),
    asyncCalls,
    new Invocations(),
    new LambdaApi({ functions, link, access, asyncCalls, log }),
    requestMetrics,
    log,
    config.maxBody,
  );
  const readiness = new Readiness().check('nats', () => link.connected).check('routes', () => link.hasRoutes);

  const { app, server } = await createApp({ config, link, calls, callbacks, readiness, metrics });
  await app.listen(config.port, config.host);
  const url = `http://${config.host}:${(server().address() as AddressInfo).port}`;
  log.info(`Listening on ${url}.`);
  await link.start();
  if (link.open) callbacks.start(link.open);
  return { url, stop: () => app.close() };
}

const asyncOptions = (config: IngressHttpConfig, callbacks: Callbacks): AsyncOptions => ({
  keepMs: config.resultsTtl * 1_000,
  dropHeaders: config.dropHeaders,
  oneToken: config.token !== undefined,
  checkCallback: (url) => callbacks.check(url),
});

async function createApp(
  parts: Omit<IngressParts, 'server'>,
): Promise<{ app: NestFastifyApplication; server: () => Server }> {
  let http: Server | undefined;
  const server = () => http as Server;
  const adapter = new FastifyAdapter({
    // The reply is one of Fastify's, typed by what a route would state of it.
    frameworkErrors: (error: unknown, request: unknown, reply: unknown) =>
      answerProblem(error, request, reply as never),
    serverFactory: (ownPages: RequestListener) => {
      http = createHttpServer(parts.calls, ownPages, parts.config);
      return http;
    },
  });
  const app = await NestFactory.create<NestFastifyApplication>(
    ingressHttpModule({ ...parts, server }),
    adapter,
    {
      logger: nestLogger,
      abortOnError: false,
    },
  );
  app.useGlobalFilters(new ProblemFilter(logger('ingress-http')));
  serveDocs(app);
  return { app, server };
}

/** `/docs`: the page reads `/openapi.json` itself, so that it shows the handlers that are live when it is opened. */
function serveDocs(app: NestFastifyApplication): void {
  const frame = SwaggerModule.createDocument(app, new DocumentBuilder().setTitle('λ-mesh handlers').build());
  SwaggerModule.setup('docs', app, frame, {
    raw: false,
    swaggerOptions: { url: '/openapi.json' },
    customSiteTitle: 'λ-mesh',
  });
}
