import { Controller, Delete, Param, Post, Put, Res } from '@nestjs/common';
import { ApiHeader, ApiOperation, ApiParam, ApiTags } from '@nestjs/swagger';
import { z } from 'zod';
import { type ControlPath, isAlias, type Limits, limits, MeshError, parseControlPath } from '#contracts';
import { JsonBody, text, versionText } from '../api/json-body.js';
import { ALIAS_PARAMETER, Answers, IF_MATCH_HEADER, PATH_PARAMETER, Refuses, Takes } from '../api/openapi.js';
import { By, IfMatch } from '../api/precondition.js';
import { Catalogue } from '../catalogue/catalogue.js';
import type { Actor, Change, Expected } from '../catalogue/values.js';
import { type HeaderSink, showHandler } from '../handlers/show-handler.js';
import { handlerDetailView } from '../handlers/views.js';
import { Executors, executorsView } from './executors.js';
import { RouteWriter } from './route-writer.js';

const shares = z
  .array(z.strictObject({ version: versionText, weight: z.int().min(0).max(100) }))
  .min(1)
  .max(32)
  .refine(
    (live) => live.reduce((sum, { weight }) => sum + weight, 0) === 100,
    'the weights must add up to 100',
  )
  .refine((live) => new Set(live.map((s) => s.version)).size === live.length, 'names a version twice');

const routeBody = z.strictObject({ versions: shares });
const aliasBody = z.strictObject({ version: versionText });
const rollbackBody = z.strictObject({ to: versionText.optional() });
const environmentBody = z
  .record(
    z.string().regex(/^(?!MESH_)[A-Z][A-Z0-9_]{0,99}$/, 'not an environment name'),
    text(32_768).nullable(),
  )
  .refine((values) => Object.keys(values).length <= 64, 'names more than 64');

/** Each as in a manifest, or null. */
const limitsBody = z.strictObject({
  timeoutMs: limits.shape.timeoutMs.nullable(),
  concurrency: limits.shape.concurrency.nullable(),
  queue: limits.shape.queue.nullable(),
  workers: limits.shape.workers.nullable(),
  warm: limits.shape.warm.nullable(),
  memoryMb: limits.shape.memoryMb.nullable(),
  payloadBytes: limits.shape.payloadBytes.nullable(),
  ratePerSecond: limits.shape.ratePerSecond.nullable(),
  burst: limits.shape.burst.nullable(),
} satisfies Record<keyof Limits, z.ZodType>);

const describedRefusals = [
  'bad-path',
  'bad-request',
  'not-found',
  'revision-mismatch',
  'not-connected',
] as const;

const changedView = handlerDetailView.extend({ executors: executorsView });
type ChangedView = z.infer<typeof changedView>;

/**
 * What can be done to a handler's route. Each change is answered with the route as it is then, and its ETag, when every
 * running executor has it, or after 5 s.
 */
@ApiTags('routes')
@ApiParam(PATH_PARAMETER)
@ApiHeader(IF_MATCH_HEADER)
@Controller('v1/handlers/:path')
export class ChangesController {
  constructor(
    private readonly catalogue: Catalogue,
    private readonly routes: RouteWriter,
    private readonly executors: Executors,
  ) {}

  @Put('route')
  @ApiOperation({ summary: 'Make versions live, with weights that add up to 100' })
  @Takes(routeBody)
  @Answers(200, 'The handler.', changedView)
  @Refuses(...describedRefusals, 'no-version', 'conflict')
  route(
    @Param('path') path: string,
    @JsonBody(routeBody) { versions }: z.output<typeof routeBody>,
    @By() by: Actor,
    @IfMatch() expected: Expected,
    @Res({ passthrough: true }) reply: HeaderSink,
  ): Promise<ChangedView> {
    return this.#change(path, by, expected, reply, (c) => this.catalogue.changes.setLive(c, versions));
  }

  @Delete('route')
  @ApiOperation({
    summary: 'Make nothing live any more, and take all aliases away',
    description:
      'The path is gone until a version is made live again. Work that waits for it becomes dead letters (`no-route`), which can be replayed then.',
  })
  @Answers(200, 'The handler.', changedView)
  @Refuses(...describedRefusals)
  retire(
    @Param('path') path: string,
    @By() by: Actor,
    @IfMatch() expected: Expected,
    @Res({ passthrough: true }) reply: HeaderSink,
  ): Promise<ChangedView> {
    return this.#change(path, by, expected, reply, (c) => this.catalogue.changes.retire(c));
  }

  @Put('aliases/:alias')
  @ApiOperation({ summary: 'Give a version a name that calls may use; executors hold it ready' })
  @ApiParam(ALIAS_PARAMETER)
  @Takes(aliasBody)
  @Answers(200, 'The handler.', changedView)
  @Refuses(...describedRefusals, 'no-version', 'conflict')
  alias(
    @Param('path') path: string,
    @Param('alias') alias: string,
    @JsonBody(aliasBody) { version }: z.output<typeof aliasBody>,
    @By() by: Actor,
    @IfMatch() expected: Expected,
    @Res({ passthrough: true }) reply: HeaderSink,
  ): Promise<ChangedView> {
    if (!isAlias(alias))
      throw new MeshError('bad-request', 'An alias has up to 63 of a-z, 0-9, "_" and "-", a letter first.');
    return this.#change(path, by, expected, reply, (c) => this.catalogue.changes.setAlias(c, alias, version));
  }

  @Delete('aliases/:alias')
  @ApiOperation({ summary: 'Take an alias away' })
  @ApiParam(ALIAS_PARAMETER)
  @Answers(200, 'The handler.', changedView)
  @Refuses(...describedRefusals)
  removeAlias(
    @Param('path') path: string,
    @Param('alias') alias: string,
    @By() by: Actor,
    @IfMatch() expected: Expected,
    @Res({ passthrough: true }) reply: HeaderSink,
  ): Promise<ChangedView> {
    return this.#change(path, by, expected, reply, (c) => this.catalogue.changes.removeAlias(c, alias));
  }

  @Post('rollback')
  @ApiOperation({
    summary: 'Bring back what was live before, or make one version live',
    description: 'A second rollback is back where the first one began.',
  })
  @Takes(rollbackBody)
  @Answers(200, 'The handler.', changedView)
  @Refuses(...describedRefusals, 'no-version', 'conflict')
  rollback(
    @Param('path') path: string,
    @JsonBody(rollbackBody) { to }: z.output<typeof rollbackBody>,
    @By() by: Actor,
    @IfMatch() expected: Expected,
    @Res({ passthrough: true }) reply: HeaderSink,
  ): Promise<ChangedView> {
    return this.#change(path, by, expected, reply, (c) => this.catalogue.changes.rollback(c, to));
  }

  @Put('environment')
  @ApiOperation({
    summary: "Set the operator's values of environment names that the manifest asks for",
    description: 'Null takes a value away; names that are not mentioned stay. No value is ever shown again.',
  })
  @Takes(environmentBody)
  @Answers(200, 'The handler.', changedView)
  @Refuses(...describedRefusals)
  environment(
    @Param('path') path: string,
    @JsonBody(environmentBody) values: z.output<typeof environmentBody>,
    @By() by: Actor,
    @IfMatch() expected: Expected,
    @Res({ passthrough: true }) reply: HeaderSink,
  ): Promise<ChangedView> {
    return this.#change(path, by, expected, reply, (c) => this.catalogue.changes.setEnvironment(c, values));
  }

  @Put('limits')
  @ApiOperation({
    summary: "Set the operator's limits of a handler, whatever its manifests ask for",
    description:
      'Null leaves a limit to the manifests again; those that are not mentioned stay. What runs goes on; calls that come from now on find the new limits.',
  })
  @Takes(limitsBody)
  @Answers(200, 'The handler.', changedView)
  @Refuses(...describedRefusals)
  limits(
    @Param('path') path: string,
    @JsonBody(limitsBody) values: z.output<typeof limitsBody>,
    @By() by: Actor,
    @IfMatch() expected: Expected,
    @Res({ passthrough: true }) reply: HeaderSink,
  ): Promise<ChangedView> {
    return this.#change(path, by, expected, reply, (c) => this.catalogue.changes.setLimits(c, values));
  }

  async #change(
    text: string,
    by: Actor,
    expected: Expected,
    reply: HeaderSink,
    make: (change: Change) => Promise<void>,
  ): Promise<ChangedView> {
    const path: ControlPath = parseControlPath(text);
    this.routes.assertWritable();
    await make({ path, by, expected });
    await this.routes.flush();
    reply.status(200);
    const shown = await showHandler(this.catalogue, path, reply);
    const executors = await this.executors.confirm(path, shown.live.length > 0 ? shown.revision : 0);
    return { ...shown, executors };
  }
}
