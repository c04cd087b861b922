import { Catch, Controller, type ExceptionFilter, UseFilters } from '@nestjs/common';
import { MessagePattern, Payload } from '@nestjs/microservices';
import { type Observable, throwError } from 'rxjs';
import { z } from 'zod';
import {
  asMeshError,
  type ControlPath,
  controlPathFault,
  isErrorCode,
  isVersion,
  MeshError,
  problemOf,
  REGISTRY_DESCRIBE,
  REGISTRY_REPORT,
} from '#contracts';
import { type HandlerDescription, logger } from '#lifecycle';
import { parsed } from '../api/paging.js';
import { Catalogue } from '../catalogue/catalogue.js';
import { describeHandler } from './description.js';
import { DrainingNats } from './draining-nats.js';

const controlPath = z
  .string()
  .refine((text) => controlPathFault(text) === undefined, 'not a control path')
  .transform((text) => text as ControlPath);

const describeRequest = z.object({ paths: z.array(controlPath).max(10_000).optional() }).nullish();

const reportRequest = z.object({
  executor: z.string().min(1).max(200),
  path: controlPath,
  version: z.string().refine(isVersion, 'not a version'),
  state: z.enum(['degraded', 'ok']),
  code: z.string().refine(isErrorCode, 'not an error code').default('internal'),
  detail: z.string().max(2_000).optional(),
});

/** What is thrown in a control call: the caller gets the problem, the log the rest. */
@Catch()
class RpcProblems implements ExceptionFilter {
  catch(exception: unknown): Observable<never> {
    const error = asMeshError(exception);
    if (error.code === 'internal') logger('registry').error('A control call failed.', exception);
    return throwError(() => problemOf(error));
  }
}

/** Control RPC for the other services. Nothing here is asked while a message is in flight. */
@Controller()
@UseFilters(RpcProblems)
export class RegistryRpcController {
  constructor(
    private readonly catalogue: Catalogue,
    private readonly transport: DrainingNats,
  ) {}

  /** `{ paths? }` → the live handlers, or those of them that were named. */
  @MessagePattern(REGISTRY_DESCRIBE)
  async describe(@Payload() payload: unknown): Promise<HandlerDescription[]> {
    const { paths } = parsed(describeRequest, payload) ?? {};
    const handlers = await this.catalogue.handlers(paths ? { paths } : {});
    const descriptions = handlers.map(describeHandler).filter((one) => one !== undefined);
    if (Buffer.byteLength(JSON.stringify(descriptions)) > this.transport.maxAnswer)
      throw new MeshError(
        'payload-too-large',
        'These are too many handlers for one answer: name fewer paths.',
      );
    return descriptions;
  }

  /** An executor says that it cannot run a version, or that it can again. */
  @MessagePattern(REGISTRY_REPORT)
  async report(@Payload() payload: unknown): Promise<{ ok: true }> {
    const { state, executor, path, version, code, detail } = parsed(reportRequest, payload);
    if (state === 'ok') await this.catalogue.reportOk(path, version, executor);
    else
      await this.catalogue.reportDegraded({ executor, path, version, code, ...(detail ? { detail } : {}) });
    return { ok: true };
  }
}
