import {
  type DynamicModule,
  Injectable,
  Module,
  type OnApplicationBootstrap,
  type OnApplicationShutdown,
  type OnModuleDestroy,
} from '@nestjs/common';
import { MeshLink } from '#fabric';
import { logger } from '#lifecycle';
import type { IngressMqttConfig } from './config.js';
import type { MqttMetrics } from './mqtt-metrics.js';
import { TopicSubscriber } from './topic-subscriber.js';

const log = logger('ingress-mqtt');

/** Starts and stops the parts in an order in which every message that was begun is acknowledged. */
@Injectable()
export class IngressMqtt implements OnApplicationBootstrap, OnModuleDestroy, OnApplicationShutdown {
  constructor(
    readonly link: MeshLink,
    readonly subscriber: TopicSubscriber,
  ) {}

  async onApplicationBootstrap(): Promise<void> {
    await this.subscriber.start();
  }

  async onModuleDestroy(): Promise<void> {
    await this.subscriber.stop();
  }

  async onApplicationShutdown(): Promise<void> {
    await this.link.close();
  }
}

@Module({})
class IngressMqttModule {}

export function ingressMqttModule(config: IngressMqttConfig, metrics: MqttMetrics): DynamicModule {
  return {
    module: IngressMqttModule,
    providers: [
      { provide: MeshLink, useFactory: () => MeshLink.open({ ...config, name: 'mesh-ingress-mqtt' }) },
      {
        provide: TopicSubscriber,
        useFactory: (link: MeshLink) => new TopicSubscriber(config, link, metrics, log),
        inject: [MeshLink],
      },
      {
        provide: IngressMqtt,
        useFactory: (...parts: ConstructorParameters<typeof IngressMqtt>) => new IngressMqtt(...parts),
        inject: [MeshLink, TopicSubscriber],
      },
    ],
  };
}
