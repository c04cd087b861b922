import { Controller, Get, Query } from '@nestjs/common';
import { ApiOperation, ApiQuery, ApiTags } from '@nestjs/swagger';
import { z } from 'zod';
import { Answers, CURSOR_PARAMETER, LIMIT_PARAMETER, Refuses } from '../api/openapi.js';
import { numberIn, type Page, pageOf, readPage } from '../api/paging.js';
import { Catalogue } from '../catalogue/catalogue.js';

const auditView = z.object({
  seq: z.int(),
  at: z.iso.datetime(),
  actor: z.string(),
  action: z.string().describe('`publish`, `route`, `alias`, `rollback`, `token-create`, …'),
  path: z.string().optional(),
  version: z.string().optional(),
  origin: z
    .object({ address: z.string().optional(), agent: z.string().optional(), token: z.string().optional() })
    .describe('From where: remote address, user agent, id of the token.'),
  before: z.unknown().describe('What was changed, as it was; null: it was not there.'),
  after: z.unknown().describe('As it is now; null: it is gone.'),
  detail: z.record(z.string(), z.unknown()),
});
type AuditView = z.infer<typeof auditView>;

@ApiTags('audit')
@Controller('v1/audit')
export class AuditController {
  constructor(private readonly catalogue: Catalogue) {}

  @Get()
  @ApiOperation({ summary: 'Who did what, the newest first' })
  @ApiQuery(LIMIT_PARAMETER)
  @ApiQuery(CURSOR_PARAMETER)
  @Answers(200, 'One page.', pageOf(auditView))
  @Refuses('bad-request')
  list(@Query() query: unknown): Promise<Page<AuditView>> {
    return readPage(
      query,
      (cursor, limit) => this.catalogue.auditEntries(numberIn(cursor), limit),
      ({ seq }) => String(seq),
      (entry) => ({ ...entry, at: entry.at.toISOString() }),
    );
  }
}
