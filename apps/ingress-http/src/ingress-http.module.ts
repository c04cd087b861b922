import type { Server } from 'node:http';
import { type DynamicModule, Module, type OnApplicationShutdown, type OnModuleDestroy } from '@nestjs/common';
import type { Registry } from 'prom-client';
import { clientOptions } from '#fabric';
import { healthModule, type Readiness, RegistryRpc } from '#lifecycle';
import type { CallHandler } from './call-handler.js';
import type { Callbacks } from './callback/callbacks.js';
import type { IngressHttpConfig } from './config.js';
import { drainHttp } from './http-listener.js';
import { MeshLink } from './mesh-link.js';
import { OpenApiController } from './openapi.controller.js';

/** The parts that are made before Nest, because the HTTP server needs them. */
export interface IngressParts {
  readonly config: IngressHttpConfig;
  readonly link: MeshLink;
  readonly calls: CallHandler;
  readonly callbacks: Callbacks;
  readonly server: () => Server;
  readonly readiness: Readiness;
  readonly metrics: Registry;
}

/** Stops in an order in which every request that was accepted is answered. */
class Shutdown implements OnModuleDestroy, OnApplicationShutdown {
  constructor(
    private readonly parts: IngressParts,
    private readonly registry: RegistryRpc,
  ) {}

  async onModuleDestroy(): Promise<void> {
    this.parts.readiness.stopping();
    await Promise.all([drainHttp(this.parts.server(), this.parts.calls), this.parts.callbacks.stop()]);
  }

  async onApplicationShutdown(): Promise<void> {
    await this.registry.close();
    await this.parts.link.stop();
  }
}

@Module({ controllers: [OpenApiController] })
class IngressHttpModule {}

export function ingressHttpModule(parts: IngressParts): DynamicModule {
  return {
    module: IngressHttpModule,
    imports: [healthModule(parts.readiness, parts.metrics)],
    providers: [
      { provide: MeshLink, useValue: parts.link },
      {
        provide: RegistryRpc,
        useFactory: () => new RegistryRpc(clientOptions({ ...parts.config, name: 'mesh-ingress-http-rpc' })),
      },
      {
        provide: Shutdown,
        useFactory: (registry: RegistryRpc) => new Shutdown(parts, registry),
        inject: [RegistryRpc],
      },
    ],
  };
}
