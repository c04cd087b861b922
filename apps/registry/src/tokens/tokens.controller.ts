import { Controller, Delete, Get, HttpCode, Param, Post, Query } from '@nestjs/common';
import { ApiOperation, ApiParam, ApiQuery, ApiTags } from '@nestjs/swagger';
import { z } from 'zod';
import { MeshError } from '#contracts';
import { hashOfToken, makeToken } from '../api/access.js';
import { JsonBody } from '../api/json-body.js';
import { Answers, CURSOR_PARAMETER, LIMIT_PARAMETER, Refuses, Takes } from '../api/openapi.js';
import { type Page, pageOf, readPage } from '../api/paging.js';
import { By } from '../api/precondition.js';
import { Catalogue } from '../catalogue/catalogue.js';
import { type Actor, ROLES, type TokenRecord } from '../catalogue/values.js';

const DAY_MS = 86_400_000;

const newToken = z.strictObject({
  name: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/, 'must be a name such as ci or alice.laptop'),
  role: z.enum(ROLES),
  expiresInDays: z.int().min(1).max(3_650).optional(),
});

const time = z.iso.datetime();
const tokenView = z.object({
  id: z.uuid(),
  name: z.string(),
  role: z.enum(ROLES),
  createdAt: time,
  createdBy: z.string(),
  expiresAt: time.optional(),
});
type TokenView = z.infer<typeof tokenView>;
const madeView = tokenView.extend({ token: z.string().describe('Shown this once; only its hash is kept.') });

/** Who may use the API. Only admins come here. */
@ApiTags('tokens')
@Controller('v1/tokens')
export class TokensController {
  constructor(private readonly catalogue: Catalogue) {}

  @Post()
  @ApiOperation({ summary: 'Make a token' })
  @Takes(newToken)
  @Answers(201, 'The token, shown this once.', madeView)
  @Refuses('bad-request', 'conflict')
  async create(
    @JsonBody(newToken) { name, role, expiresInDays }: z.output<typeof newToken>,
    @By() by: Actor,
  ): Promise<z.infer<typeof madeView>> {
    const token = makeToken();
    const expiresAt = expiresInDays && { expiresAt: new Date(Date.now() + expiresInDays * DAY_MS) };
    const record = await this.catalogue.tokens.create({ name, role, ...expiresAt }, hashOfToken(token), by);
    return { ...viewToken(record), token };
  }

  @Get()
  @ApiOperation({ summary: 'Tokens that were not revoked, in order of name' })
  @ApiQuery(LIMIT_PARAMETER)
  @ApiQuery(CURSOR_PARAMETER)
  @Answers(200, 'One page.', pageOf(tokenView))
  @Refuses('bad-request')
  list(@Query() query: unknown): Promise<Page<TokenView>> {
    return readPage(
      query,
      (after, limit) => this.catalogue.tokens.list(after, limit),
      ({ name }) => name,
      viewToken,
    );
  }

  @Delete(':id')
  @HttpCode(204)
  @ApiOperation({ summary: 'Revoke a token: from now on it opens nothing' })
  @ApiParam({ name: 'id', schema: { type: 'string', format: 'uuid' } })
  @Refuses('not-found')
  async revoke(@Param('id') id: string, @By() by: Actor): Promise<void> {
    if (!z.uuid().safeParse(id).success) throw new MeshError('not-found', 'There is no such token.');
    await this.catalogue.tokens.revoke(id, by);
  }
}

function viewToken({ id, name, role, createdAt, createdBy, expiresAt }: TokenRecord): TokenView {
  return {
    id,
    name,
    role,
    createdAt: createdAt.toISOString(),
    createdBy,
    ...(expiresAt ? { expiresAt: expiresAt.toISOString() } : {}),
  };
}
