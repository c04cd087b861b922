import { Controller, type DynamicModule, Get, Header, HttpCode, Inject, Module, Res } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import type { Registry } from 'prom-client';
import { logger, nestLogger } from './logger.js';
import { answerProblem, ProblemFilter } from './problem.js';
import { Readiness } from './readiness.js';
import type { Running } from './run.js';

const METRICS = Symbol('metrics');

@Controller()
export class HealthController {
  constructor(
    @Inject(Readiness) private readonly readiness: Readiness,
    @Inject(METRICS) private readonly metrics: Registry,
  ) {}

  /** Alive: the process answers. */
  @Get('health')
  @HttpCode(200)
  health(): object {
    return { status: 'ok' };
  }

  /** Ready: 200 when every check holds, else 503; both say which. */
  @Get('health/ready')
  ready(@Res({ passthrough: true }) reply: { status(code: number): unknown }): object {
    const { ready } = this.readiness;
    reply.status(ready ? 200 : 503);
    return { status: ready ? 'ready' : 'not ready', checks: this.readiness.report() };
  }

  /** Prometheus text format. */
  @Get('metrics')
  @Header('content-type', 'text/plain; version=0.0.4; charset=utf-8')
  async metricsText(): Promise<string> {
    return this.metrics.metrics();
  }
}

@Module({ controllers: [HealthController] })
class HealthModule {}

export function healthModule(readiness: Readiness, metrics: Registry): DynamicModule {
  return {
    module: HealthModule,
    providers: [
      { provide: Readiness, useValue: readiness },
      { provide: METRICS, useValue: metrics },
    ],
  };
}

/** A server with nothing but health and metrics, for services that no client calls. */
export async function serveHealth(
  service: string,
  readiness: Readiness,
  metrics: Registry,
  host: string,
  port: number,
): Promise<Running> {
  const app = await NestFactory.create<NestFastifyApplication>(
    healthModule(readiness, metrics),
    new FastifyAdapter({ forceCloseConnections: true, frameworkErrors: answerProblem as never }),
    { logger: nestLogger, abortOnError: false },
  );
  app.useGlobalFilters(new ProblemFilter(logger(service)));
  await app.listen(port, host);
  return { stop: () => app.close() };
}
