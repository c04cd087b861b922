import { Controller, Delete, Get, HttpCode, HttpStatus, Param, Post, Query } from '@nestjs/common';
import { ApiOperation, ApiParam, ApiQuery, ApiTags } from '@nestjs/swagger';
import { z } from 'zod';
import { MeshError } from '#contracts';
import { JsonBody } from '../api/json-body.js';
import {
  Answers,
  CURSOR_PARAMETER,
  LIMIT_PARAMETER,
  OptionalQueries,
  Refuses,
  Takes,
} from '../api/openapi.js';
import { MAX_LIMIT, numberIn, type Page, pageOf, parsed, readPage } from '../api/paging.js';
import { By } from '../api/precondition.js';
import { Catalogue } from '../catalogue/catalogue.js';
import type { Actor } from '../catalogue/values.js';
import { DeadLetters, type Run } from './dead-letters.js';
import type { DeadQuery } from './letter.js';
import { DeadTreatment, type Treatment } from './treatment.js';
import {
  type BulkView,
  bulkView,
  type DeadLetterDetail,
  type DeadLetterView,
  deadLetterDetail,
  deadLetterView,
  viewDetail,
  viewLetter,
} from './views.js';

const time = z.iso.datetime({ offset: true }).transform((text) => Date.parse(text));
const filters = z.object({
  // One subject and no wildcard, but not only control paths: what was sent to none is found as well.
  path: z
    .string()
    .max(500)
    .regex(/^[^\s.*>/\p{Cc}]+(\/[^\s.*>/\p{Cc}]+)*$/u, 'not a path')
    .optional(),
  reason: z.string().min(1).max(64).optional(),
  since: time.optional(),
  until: time.optional(),
});
const FILTERS: Record<keyof typeof filters.shape, string> = {
  path: 'A control path.',
  reason: '`failed`, `crashed`, `expired`, or an error code of the mesh.',
  since: 'RFC 3339; became a dead letter then or later.',
  until: 'RFC 3339; before.',
};

const bulkBody = z.strictObject({
  ...filters.shape,
  all: z.boolean().optional().describe('Must be true where no filter is given.'),
  dryRun: z.boolean().optional().describe('Only count.'),
  limit: z.int().min(1).max(MAX_LIMIT).default(500).describe('How many at the most in this request.'),
  cursor: z
    .string()
    .regex(/^\d{1,15}-\d{1,15}$/, 'not one that this gave')
    .optional(),
});
type BulkBody = z.output<typeof bulkBody>;

const ID_PARAMETER = {
  name: 'id',
  description: 'The mesh-id of the event, or the place (`seq`) of the dead letter.',
  schema: { type: 'string' as const },
};

/** Work that ended badly: what it was, why, and what is to become of it. */
@ApiTags('dead letters')
@Controller('v1/dead')
export class DeadController {
  constructor(
    private readonly letters: DeadLetters,
    private readonly treatment: DeadTreatment,
    private readonly catalogue: Catalogue,
  ) {}

  @Get()
  @ApiOperation({
    summary: 'Dead letters, the newest first',
    description: 'All filters that are given must hold.',
  })
  @OptionalQueries(FILTERS)
  @ApiQuery(LIMIT_PARAMETER)
  @ApiQuery(CURSOR_PARAMETER)
  @Answers(200, 'One page.', pageOf(deadLetterView))
  @Refuses('bad-request', 'not-connected')
  list(@Query() query: unknown): Promise<Page<DeadLetterView>> {
    const wanted = parsed(filters, query);
    return readPage(
      query,
      (cursor, limit) => this.letters.list(wanted as DeadQuery, numberIn(cursor), limit),
      ({ seq }) => String(seq),
      viewLetter,
    );
  }

  @Get(':id')
  @ApiOperation({ summary: 'One of them: the event as it was accepted, and its attempts' })
  @ApiParam(ID_PARAMETER)
  @Answers(200, 'The dead letter.', deadLetterDetail)
  @Refuses('not-found', 'not-connected')
  async show(@Param('id') id: string): Promise<DeadLetterDetail> {
    return viewDetail(await this.letters.find(id), this.catalogue);
  }

  @Post('replay')
  @HttpCode(HttpStatus.OK)
  @ApiOperation({
    summary: 'Run all that the filters mean again, the oldest first',
    description:
      'At most `limit` a request: give `next` back as `cursor` for those that follow. What becomes a dead letter after the first request is left alone.',
  })
  @Takes(bulkBody)
  @Answers(200, 'What came of it.', bulkView)
  @Refuses('bad-request', 'not-connected', 'queue-full')
  replayMany(@JsonBody(bulkBody) body: BulkBody, @By() by: Actor): Promise<BulkView> {
    return this.#many('replay', body, by);
  }

  @Post('drop')
  @HttpCode(HttpStatus.OK)
  @ApiOperation({ summary: 'Remove all that the filters mean, for good' })
  @Takes(bulkBody)
  @Answers(200, 'What came of it.', bulkView)
  @Refuses('bad-request', 'not-connected')
  dropMany(@JsonBody(bulkBody) body: BulkBody, @By() by: Actor): Promise<BulkView> {
    return this.#many('drop', body, by);
  }

  @Post(':id/replay')
  @HttpCode(HttpStatus.OK)
  @ApiOperation({
    summary: 'Run the event again',
    description: 'It keeps its id and says which replay it is (`mesh-replay`).',
  })
  @ApiParam(ID_PARAMETER)
  @Answers(200, 'It is before the executors.', bulkView)
  @Refuses('not-found', 'no-route', 'not-connected', 'queue-full')
  replay(@Param('id') id: string, @By() by: Actor): Promise<BulkView> {
    return this.treatment.one('replay', id, by);
  }

  @Delete(':id')
  @ApiOperation({ summary: 'Remove it, for good' })
  @ApiParam(ID_PARAMETER)
  @Answers(200, 'It is gone.', bulkView)
  @Refuses('not-found', 'not-connected')
  drop(@Param('id') id: string, @By() by: Actor): Promise<BulkView> {
    return this.treatment.one('drop', id, by);
  }

  async #many(treatment: Treatment, body: BulkBody, by: Actor): Promise<BulkView> {
    const { all, dryRun, limit, cursor, ...query } = body;
    if (Object.keys(query).length === 0 && all !== true)
      throw new MeshError('bad-request', 'Give a filter, or say "all": true.');
    const run = cursor === undefined ? await this.letters.wholeRun() : runIn(cursor);
    const request = { query: query as DeadQuery, run, limit, by };
    if (dryRun) return { matched: await this.treatment.count(request), done: 0, refused: [], next: null };
    const { view, next } = await this.treatment.many(treatment, request);
    return { ...view, next: next ? `${next.after}-${next.through}` : null };
  }
}

function runIn(cursor: string): Run {
  const [after = 0, through = 0] = cursor.split('-').map(Number);
  return { after, through };
}
