import { type DynamicModule, Module } from '@nestjs/common';
import { ArtifactStore } from '#artifacts';
import { healthModule, type Readiness } from '#lifecycle';
import { AuditController } from './audit/audit.controller.js';
import { HeadKeeper } from './audit/head-keeper.js';
import { Catalogue } from './catalogue/catalogue.js';
import { DeadController } from './dead/dead.controller.js';
import { DeadLetters } from './dead/dead-letters.js';
import { DeadTreatment } from './dead/treatment.js';
import { HandlersController } from './handlers/handlers.controller.js';
import { VersionsController } from './handlers/versions.controller.js';
import { ImportsController } from './imports/imports.controller.js';
import { Imports } from './imports/imports.js';
import { InvocationsController } from './invocations/invocations.controller.js';
import { Door } from './publish/door.js';
import { PublishController } from './publish/publish.controller.js';
import { ChangesController } from './routes/changes.controller.js';
import { Executors } from './routes/executors.js';
import { RouteWriter } from './routes/route-writer.js';
import { DrainingNats } from './rpc/draining-nats.js';
import { RegistryRpcController } from './rpc/registry-rpc.controller.js';
import { TokensController } from './tokens/tokens.controller.js';
import { Backlogs } from './work/backlog.js';
import { WorkController } from './work/work.controller.js';
import { WorkKeeper } from './work/work-keeper.js';

/** What the controllers stand on; made and stopped in registry.ts. */
export interface RegistryParts {
  readonly catalogue: Catalogue;
  readonly artifacts: ArtifactStore;
  readonly door: Door;
  readonly imports: Imports;
  readonly routes: RouteWriter;
  readonly executors: Executors;
  readonly work: WorkKeeper;
  readonly head: HeadKeeper;
  readonly rpc: DrainingNats;
  readonly readiness: Readiness;
  readonly metrics: Parameters<typeof healthModule>[1];
}

const CONTROLLERS = [
  HandlersController,
  VersionsController,
  PublishController,
  ChangesController,
  ImportsController,
  TokensController,
  AuditController,
  InvocationsController,
  WorkController,
  DeadController,
  RegistryRpcController,
];

@Module({ controllers: CONTROLLERS })
class RegistryModule {}

export function registryModule(parts: RegistryParts): DynamicModule {
  const letters = new DeadLetters(() => parts.work.reach());
  return {
    module: RegistryModule,
    imports: [healthModule(parts.readiness, parts.metrics)],
    providers: [
      { provide: Catalogue, useValue: parts.catalogue },
      { provide: ArtifactStore, useValue: parts.artifacts },
      { provide: Door, useValue: parts.door },
      { provide: Imports, useValue: parts.imports },
      { provide: RouteWriter, useValue: parts.routes },
      { provide: Executors, useValue: parts.executors },
      { provide: Backlogs, useValue: new Backlogs(parts.work, parts.metrics) },
      { provide: DeadLetters, useValue: letters },
      { provide: DeadTreatment, useValue: new DeadTreatment(letters, parts.catalogue) },
      { provide: HeadKeeper, useValue: parts.head },
      { provide: DrainingNats, useValue: parts.rpc },
    ],
  };
}
