import { Controller, Get, Query } from '@nestjs/common';
import { ApiOperation, ApiQuery, ApiTags } from '@nestjs/swagger';
import { z } from 'zod';
import { Answers, CURSOR_PARAMETER, LIMIT_PARAMETER, OptionalQueries, Refuses } from '../api/openapi.js';
import { numberIn, type Page, pageOf, parsed, readPage } from '../api/paging.js';
import { Catalogue } from '../catalogue/catalogue.js';
import { HeadKeeper } from './head-keeper.js';

const time = z.iso.datetime({ offset: true });
const text = z.string().min(1).max(400);
const filters = z.object({
  path: text.optional(),
  actor: text.optional(),
  action: text.optional(),
  since: time.optional(),
  until: time.optional(),
});
const FILTERS: Record<keyof typeof filters.shape, string> = {
  path: 'A control path.',
  actor: '`admin`, or `token:` and the name of a token.',
  action: 'What was done.',
  since: 'RFC 3339; then or later.',
  until: 'RFC 3339; before.',
};

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

const link = z.object({ seq: z.int(), hash: z.string().describe('SHA-256, hexadecimal.') });
const checkView = z.object({
  ok: z.boolean(),
  checked: z.int().describe('Entries that are as they were written, from the first on.'),
  head: link.nullable().describe('The last of them.'),
  kept: link.nullable().describe('The head as KV keeps it; null: none was written yet, or NATS is away.'),
  firstBroken: z.object({ seq: z.int(), reason: z.string() }).optional(),
});
type CheckView = z.infer<typeof checkView>;

@ApiTags('audit')
@Controller('v1/audit')
export class AuditController {
  constructor(
    private readonly catalogue: Catalogue,
    private readonly head: HeadKeeper,
  ) {}

  @Get()
  @ApiOperation({ summary: 'Who did what, the newest first' })
  @OptionalQueries(FILTERS)
  @ApiQuery(LIMIT_PARAMETER)
  @ApiQuery(CURSOR_PARAMETER)
  @Answers(200, 'One page.', pageOf(auditView))
  @Refuses('bad-request')
  list(@Query() query: unknown): Promise<Page<AuditView>> {
    const wanted = parsed(filters, query);
    return readPage(
      query,
      (cursor, limit) => this.catalogue.audit.entries(wanted, numberIn(cursor), limit),
      ({ seq }) => String(seq),
      (entry) => ({ ...entry, at: entry.at.toISOString() }),
    );
  }

  @Get('verify')
  @ApiOperation({
    summary: 'Whether the audit is what was written, to the last entry',
    description:
      'Computes the hash of every entry anew and compares the last with the head that is kept in KV. While NATS is away, a tail that was cut off cannot be seen: `kept` is null.',
  })
  @Answers(200, 'What was found.', checkView)
  @Refuses()
  async verify(): Promise<CheckView> {
    // Before the chain is read: what is appended meanwhile lies behind it.
    const kept = await this.head.kept().catch(() => undefined);
    const check = await this.catalogue.audit.verify(kept);
    return { ok: check.firstBroken === undefined, ...check, kept: kept ?? null };
  }
}
