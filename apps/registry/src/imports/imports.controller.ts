import { Controller, HttpCode, Post } from '@nestjs/common';
import { ApiOperation, ApiTags } from '@nestjs/swagger';
import { z } from 'zod';
import { MeshError } from '#contracts';
import { JsonBody } from '../api/json-body.js';
import { Answers, Refuses, Takes } from '../api/openapi.js';
import { By } from '../api/precondition.js';
import type { Actor } from '../catalogue/values.js';
import { parseImportLocation } from './import-source-list.js';
import { Imports } from './imports.js';

const importRequest = z.strictObject({
  source: z
    .string()
    .min(1)
    .max(2_048)
    .describe('`s3://bucket/prefix`, or a folder of the registry: `file:///dir`'),
});

const importView = z.object({
  items: z.array(
    z.object({
      key: z.string().describe('Name of the artifact below the source.'),
      path: z.string().optional(),
      version: z.string().optional(),
      result: z.enum(['created', 'unchanged', 'refused']),
      reason: z.string().optional().describe('Why it was refused.'),
    }),
  ),
});

@ApiTags('imports')
@Controller('v1/imports')
export class ImportsController {
  constructor(private readonly imports: Imports) {}

  @Post()
  @HttpCode(200)
  @ApiOperation({
    summary: 'Publish every artifact that lies somewhere',
    description:
      'Each `*.tgz` goes the way of any other artifact, and into the audit as `import:<source>`. Of several versions of a handler the newest is published last. To import the same again changes nothing.',
  })
  @Takes(importRequest)
  @Answers(200, 'What became of each.', importView)
  @Refuses('bad-request', 'not-connected', 'store-unavailable')
  async import(
    @JsonBody(importRequest) { source }: z.output<typeof importRequest>,
    @By() by: Actor,
  ): Promise<z.output<typeof importView>> {
    const parsed = parseImportLocation(source);
    if ('fault' in parsed) throw new MeshError('bad-request', `source: ${parsed.fault}`);
    const items = await this.imports.once(parsed.location, by);
    return { items: items.map(({ cause: _cause, ...shown }) => shown) };
  }
}
