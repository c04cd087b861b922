import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import {
  type DynamicModule,
  Injectable,
  Module,
  type OnApplicationBootstrap,
  type OnApplicationShutdown,
  type OnModuleDestroy,
} from '@nestjs/common';
import { LEASES_BUCKET, mintMeshId } from '#contracts';
import { type Keep, Leases, MeshLink, openKeep } from '#fabric';
import { logger } from '#lifecycle';
import type { IngressMqttConfig } from './config.js';
import type { MqttMetrics } from './mqtt-metrics.js';
import { ReplyTokens } from './reply-tokens.js';
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

/** The bucket of leases, and the leases in it. */
function leasesIn({ connection }: MeshLink): { readonly keep: Keep; readonly leases: Leases } {
  const keep = openKeep(connection, LEASES_BUCKET);
  return { keep, leases: new Leases(keep, { holder: mintMeshId(), host: hostname(), pid: process.pid }) };
}

/** What all replicas know, and no other user of NATS: what they log in with. */
const secretOf = ({ natsPassword, natsCredentials }: IngressMqttConfig): string =>
  natsCredentials === undefined ? (natsPassword ?? '') : readFileSync(natsCredentials, 'utf8');

@Module({})
class IngressMqttModule {}

export function ingressMqttModule(config: IngressMqttConfig, metrics: MqttMetrics): DynamicModule {
  return {
    module: IngressMqttModule,
    providers: [
      { provide: MeshLink, useFactory: () => MeshLink.open({ ...config, name: 'mesh-ingress-mqtt' }) },
      {
        provide: TopicSubscriber,
        useFactory: (link: MeshLink) =>
          new TopicSubscriber({
            config,
            link,
            metrics,
            log,
            ...leasesIn(link),
            tokens: new ReplyTokens(secretOf(config)),
          }),
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
