import { Controller, Get, Query } from '@nestjs/common';
import { ApiOperation, ApiQuery, ApiTags } from '@nestjs/swagger';
import { z } from 'zod';
import { MeshError, SOURCES } from '#contracts';
import { Answers, CURSOR_PARAMETER, LIMIT_PARAMETER, OptionalQueries, Refuses } from '../api/openapi.js';
import { type Page, pageOf, parsed, readPage } from '../api/paging.js';
import { Catalogue } from '../catalogue/catalogue.js';
import type { InvocationView, Place } from '../catalogue/invocations/read.js';

const time = z.iso.datetime({ offset: true });

const filters = z.object({
  path: z.string().min(1).max(200).optional(),
  version: z.string().min(1).max(200).optional(),
  status: z
    .string()
    .regex(/^[1-9]\d\d$/, 'not a status')
    .transform(Number)
    .optional(),
  source: z.enum(SOURCES).optional(),
  since: time.optional(),
  until: time.optional(),
});

export const invocationView = z.object({
  id: z.string().describe('The mesh-id of the event.'),
  path: z.string(),
  version: z.string().nullable().describe('The version that ran; null: none did.'),
  source: z.enum(SOURCES),
  caller: z.string().nullable().describe('What the source tells of who called; for HTTP the network.'),
  status: z.int(),
  outcome: z.string().describe('`ok`, `failed`, or an error code of the mesh.'),
  startedAt: z.string().describe('With microseconds, by the clock of the executor.'),
  duration: z.int().describe('Microseconds.'),
  attempt: z.int(),
  traceId: z.string().nullable().describe('W3C trace id.'),
  executor: z.string().describe('Id of the executor.'),
});

const FILTERS: Record<keyof typeof filters.shape, string> = {
  path: 'A control path.',
  version: 'The version that ran.',
  status: "HTTP's number.",
  source: `Where the event came from: ${SOURCES.join(', ')}.`,
  since: 'RFC 3339; started then or later.',
  until: 'RFC 3339; started before.',
};

@ApiTags('invocations')
@Controller('v1/invocations')
export class InvocationsController {
  constructor(private readonly catalogue: Catalogue) {}

  @Get()
  @ApiOperation({
    summary: 'What ran, the newest first',
    description: 'All filters that are given must hold.',
  })
  @OptionalQueries(FILTERS)
  @ApiQuery(LIMIT_PARAMETER)
  @ApiQuery(CURSOR_PARAMETER)
  @Answers(200, 'One page.', pageOf(invocationView))
  @Refuses('bad-request')
  list(@Query() query: unknown): Promise<Page<InvocationView>> {
    const wanted = parsed(filters, query);
    return readPage(
      query,
      (cursor, limit) => this.catalogue.invocations.list(wanted, placeIn(cursor), limit),
      ({ startedAt, id }) => `${startedAt} ${id}`,
      (view) => view,
    );
  }
}

const PLACE = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z) ([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})$/;

function placeIn(cursor: string | undefined): Place | undefined {
  if (cursor === undefined) return undefined;
  const [, startedAt, id] = PLACE.exec(cursor) ?? [];
  if (startedAt === undefined || id === undefined || Number.isNaN(Date.parse(startedAt)))
    throw new MeshError('bad-request', 'cursor: not one that this list gave');
  return { startedAt, id };
}
