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
import { type IngressMqttConfig, settings } from './config.js';
import { IngressMqtt, ingressMqttModule } from './ingress-mqtt.module.js';
import { loginOf } from './login.js';
import { MqttMetrics } from './mqtt-metrics.js';
import type { TopicSubscriber } from './topic-subscriber.js';

export const main = () => run('ingress-mqtt', settings, start);

/**
 * Starts subscribing; resolves when the topics of all live routes are subscribed, or this replica stands by. A broker that cannot be reached is
 * no reason not to start: readiness says so, and it is tried again for ever.
 * @param options `health: false` inside another process, whose own health stands for all
 */
export async function start(
  config: IngressMqttConfig,
  _environment?: Environment,
  options: { health: boolean } = { health: true },
): Promise<Running & { readiness: Readiness }> {
  // A file that is not there is a faulty setting; later the same is a state that recovers.
  loginOf(config);
  let ingress: IngressMqtt | undefined;
  const readiness = new Readiness()
    .check('nats', () => ingress?.link.connected ?? false)
    .check('routes', () => ingress?.link.routes.isWhole ?? false)
    // One that stands by is as it should be: it takes over when it is needed.
    .check('mqtt', () => ready(ingress, ({ connected }) => connected))
    .check('subscriptions', () => ready(ingress, ({ subscribedToAll }) => subscribedToAll));
  const metrics = createMetrics('ingress-mqtt');
  // Before anything that may have to be waited for: an operator can ask what is missing.
  const health = options.health
    ? await serveHealth('ingress-mqtt', readiness, metrics, config.healthHost, config.healthPort)
    : undefined;

  const mqttMetrics = new MqttMetrics(metrics);
  const app = await NestFactory.createApplicationContext(ingressMqttModule(config, mqttMetrics), {
    logger: nestLogger,
    abortOnError: false,
  });
  const service = app.get(IngressMqtt);
  ingress = service;
  mqttMetrics.watch(service.subscriber);
  return {
    readiness,
    stop: async () => {
      readiness.stopping();
      await app.close();
      await health?.stop();
    },
  };
}

const ready = (ingress: IngressMqtt | undefined, holds: (subscriber: TopicSubscriber) => boolean): boolean =>
  ingress !== undefined && (ingress.subscriber.isStandby || holds(ingress.subscriber));
