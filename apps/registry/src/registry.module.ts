import { type DynamicModule, Module } from '@nestjs/common';
import { healthModule, type Readiness } from '#lifecycle';
import { AuditController } from './audit/audit.controller.js';
import { Catalogue } from './catalogue/catalogue.js';
import { HandlersController } from './handlers/handlers.controller.js';
import { Door } from './publish/door.js';
import { PublishController } from './publish/publish.controller.js';
import { DrainingNats } from './rpc/draining-nats.js';
import { RegistryRpcController } from './rpc/registry-rpc.controller.js';

/** What the controllers stand on; made and stopped in registry.ts. */
export interface RegistryParts {
  readonly catalogue: Catalogue;
  readonly door: Door;
  readonly rpc: DrainingNats;
  readonly readiness: Readiness;
  readonly metrics: Parameters<typeof healthModule>[1];
}

@Module({ controllers: [HandlersController, PublishController, AuditController, RegistryRpcController] })
class RegistryModule {}

export function registryModule({ catalogue, door, rpc, readiness, metrics }: RegistryParts): DynamicModule {
  return {
    module: RegistryModule,
    imports: [healthModule(readiness, metrics)],
    providers: [
      { provide: Catalogue, useValue: catalogue },
      { provide: Door, useValue: door },
      { provide: DrainingNats, useValue: rpc },
    ],
  };
}
