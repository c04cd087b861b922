import type { SQSClient } from '@aws-sdk/client-sqs';
import {
  type BeforeApplicationShutdown,
  type DynamicModule,
  Injectable,
  Module,
  type OnApplicationBootstrap,
  type OnApplicationShutdown,
  type OnModuleDestroy,
} from '@nestjs/common';
import { MeshLink } from '#fabric';
import { Complaints, logger } from '#lifecycle';
import type { IngressSqsConfig } from './config.js';
import { QueuePoller } from './queue-poller.js';
import type { SqsMetrics } from './sqs-metrics.js';
import { createSqsClient, SqsQueue } from './sqs-queue.js';

const log = logger('ingress-sqs');
const CLIENT = Symbol('SQS client');
const POLLERS = Symbol('pollers');

/** Starts and stops the parts in an order in which every message that was received is settled. */
@Injectable()
export class IngressSqs
  implements OnApplicationBootstrap, OnModuleDestroy, BeforeApplicationShutdown, OnApplicationShutdown
{
  constructor(
    readonly link: MeshLink,
    readonly pollers: readonly QueuePoller[],
    private readonly client: SQSClient,
  ) {}

  async onApplicationBootstrap(): Promise<void> {
    await Promise.all(this.pollers.map((poller) => poller.start()));
  }

  async onModuleDestroy(): Promise<void> {
    await Promise.all(this.pollers.map((poller) => poller.stop()));
  }

  async beforeApplicationShutdown(): Promise<void> {
    await this.link.idle();
  }

  async onApplicationShutdown(): Promise<void> {
    this.client.destroy();
    await this.link.close();
  }
}

@Module({})
class IngressSqsModule {}

export function ingressSqsModule(config: IngressSqsConfig, metrics: SqsMetrics): DynamicModule {
  return {
    module: IngressSqsModule,
    providers: [
      { provide: MeshLink, useFactory: () => MeshLink.open({ ...config, name: 'mesh-ingress-sqs' }) },
      { provide: CLIENT, useFactory: () => createSqsClient(config) },
      {
        provide: POLLERS,
        useFactory: (link: MeshLink, client: SQSClient) => createPollers(config, link, client, metrics),
        inject: [MeshLink, CLIENT],
      },
      {
        provide: IngressSqs,
        useFactory: (...parts: ConstructorParameters<typeof IngressSqs>) => new IngressSqs(...parts),
        inject: [MeshLink, POLLERS, CLIENT],
      },
    ],
  };
}

function createPollers(
  { queues, concurrency }: IngressSqsConfig,
  link: MeshLink,
  client: SQSClient,
  metrics: SqsMetrics,
): QueuePoller[] {
  const complaints = new Complaints(log);
  return queues.map(
    (binding) =>
      new QueuePoller({
        binding,
        queue: new SqsQueue(client, binding.url),
        link,
        metrics,
        complaints,
        concurrency,
        log,
      }),
  );
}
