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
import { createStreamWriter, MeshLink, type StreamWriter } from '#fabric';
import { Complaints, logger } from '#lifecycle';
import type { IngressSqsConfig } from './config.js';
import { QueueSet } from './queue-set.js';
import { createSqsClient } from './sqs-client.js';
import type { SqsMetrics } from './sqs-metrics.js';

const log = logger('ingress-sqs');
const CLIENT = Symbol('SQS client');
const DEAD = Symbol('dead letters');

/** Starts and stops the parts in an order in which every message that was received is settled. */
@Injectable()
export class IngressSqs
  implements OnApplicationBootstrap, OnModuleDestroy, BeforeApplicationShutdown, OnApplicationShutdown
{
  constructor(
    readonly link: MeshLink,
    readonly queues: QueueSet,
    private readonly dead: StreamWriter,
    private readonly client: SQSClient,
  ) {}

  async onApplicationBootstrap(): Promise<void> {
    await this.queues.start();
  }

  async onModuleDestroy(): Promise<void> {
    await this.queues.stop();
  }

  async beforeApplicationShutdown(): Promise<void> {
    await Promise.all([this.link.idle(), this.dead.idle()]);
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
        provide: DEAD,
        useFactory: ({ connection }: MeshLink) => createStreamWriter(connection),
        inject: [MeshLink],
      },
      {
        provide: QueueSet,
        useFactory: (link: MeshLink, client: SQSClient, dead: StreamWriter) =>
          queueSetOf(config, { link, client, dead, metrics }),
        inject: [MeshLink, CLIENT, DEAD],
      },
      {
        provide: IngressSqs,
        useFactory: (...parts: ConstructorParameters<typeof IngressSqs>) => new IngressSqs(...parts),
        inject: [MeshLink, QueueSet, DEAD, CLIENT],
      },
    ],
  };
}

interface Clients {
  readonly link: MeshLink;
  readonly client: SQSClient;
  readonly dead: StreamWriter;
  readonly metrics: SqsMetrics;
}

function queueSetOf(config: IngressSqsConfig, { link, ...clients }: Clients): QueueSet {
  const { concurrency, maxReceives, backoff: first, maxBackoff: most } = config;
  return new QueueSet({
    link,
    log,
    listed: config.queues ?? [],
    allowed: config.triggerQueues,
    most: config.maxQueues,
    poller: {
      ...clients,
      concurrency,
      maxReceives,
      backOff: { first, most },
      complaints: new Complaints(log),
    },
  });
}
