import { NestFactory } from '@nestjs/core';
import {
  createMetrics,
  type Environment,
  nestLogger,
  Readiness,
  type Running,
  run,
  serveHealth,
} from '#lifecycle';
import { type IngressSqsConfig, settings } from './config.js';
import { IngressSqs, ingressSqsModule } from './ingress-sqs.module.js';
import { SqsMetrics } from './sqs-metrics.js';

export const main = () => run('ingress-sqs', settings, start);

/**
 * Starts receiving; resolves when every queue that the operator lists was tried once. A queue that cannot be reached is no reason not to
 * start: readiness says so, and it is tried again for ever.
 * @param options `health: false` inside another process, whose own health stands for all
 */
export async function start(
  config: IngressSqsConfig,
  _environment?: Environment,
  options: { health: boolean } = { health: true },
): Promise<Running & { readiness: Readiness }> {
  let ingress: IngressSqs | undefined;
  const readiness = new Readiness()
    .check('nats', () => ingress?.link.connected ?? false)
    .check('routes', () => ingress?.link.routes.isWhole ?? false);
  // Only these: a handler that names a queue which is not there must not make the service unready for all others.
  for (const { name, url } of config.queues ?? [])
    readiness.check(`queue ${name}`, () => ingress?.queues.isReachable(url) ?? false);
  const metrics = createMetrics('ingress-sqs');
  // Before anything that may have to be waited for: an operator can ask what is missing.
  const health = options.health
    ? await serveHealth('ingress-sqs', readiness, metrics, config.healthHost, config.healthPort)
    : undefined;

  const sqsMetrics = new SqsMetrics(metrics);
  const app = await NestFactory.createApplicationContext(ingressSqsModule(config, sqsMetrics), {
    logger: nestLogger,
    abortOnError: false,
  });
  const service = app.get(IngressSqs);
  ingress = service;
  sqsMetrics.watch(() => service.queues.pollers);
  return {
    readiness,
    stop: async () => {
      readiness.stopping();
      await app.close();
      await health?.stop();
    },
  };
}
