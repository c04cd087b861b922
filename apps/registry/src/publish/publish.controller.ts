import { Controller, Headers, HttpStatus, Param, Post, Query, Req, Res } from '@nestjs/common';
import { ApiBody, ApiConsumes, ApiHeader, ApiOperation, ApiParam, ApiQuery, ApiTags } from '@nestjs/swagger';
import { z } from 'zod';
import { type ControlPath, MeshError, parseControlPath } from '#contracts';
import { ARTIFACT_TYPES } from '../api/http-server.js';
import { Answers, IF_MATCH_HEADER, PATH_PARAMETER, Refuses } from '../api/openapi.js';
import { parsed } from '../api/paging.js';
import { By, etagOf, IfMatch } from '../api/precondition.js';
import { Catalogue } from '../catalogue/catalogue.js';
import type { Actor, Expected, Published } from '../catalogue/values.js';
import type { HeaderSink } from '../handlers/show-handler.js';
import { versionView, viewVersion } from '../handlers/views.js';
import { Executors, executorsView } from '../routes/executors.js';
import { Door } from './door.js';

const query = z.object({ live: z.enum(['true', 'false']).default('true') });

const publishedView = versionView.extend({
  created: z.boolean().describe('False: exactly this was published before.'),
  revision: z.int().describe('Of the route; the ETag.'),
  executors: executorsView,
});
type PublishedView = z.infer<typeof publishedView>;

@ApiTags('versions')
@Controller('v1/handlers')
export class PublishController {
  constructor(
    private readonly door: Door,
    private readonly catalogue: Catalogue,
    private readonly executors: Executors,
  ) {}

  @Post(':path/versions')
  @ApiOperation({
    summary: 'Publish a version and make it live',
    description:
      'The body is the artifact: a gzip-compressed tar with `manifest.json`. Answers when every running executor has the new route, or after 5 s. Sending the same again changes nothing.',
  })
  @ApiParam(PATH_PARAMETER)
  @ApiQuery({
    name: 'live',
    required: false,
    description: '`false`: record it, and leave the route as it is.',
    schema: { type: 'string', enum: ['true', 'false'], default: 'true' },
  })
  @ApiHeader({ name: 'content-digest', required: false, description: 'RFC 9530; checked if present.' })
  @ApiHeader(IF_MATCH_HEADER)
  @ApiConsumes(...ARTIFACT_TYPES)
  @ApiBody({ schema: { type: 'string', format: 'binary' } })
  @Answers(201, 'Published.', publishedView)
  @Answers(200, 'Exactly this was published before; nothing changed.', publishedView)
  @Refuses(
    'bad-path',
    'bad-request',
    'conflict',
    'revision-mismatch',
    'payload-too-large',
    'unsupported-media-type',
    'bad-artifact',
    'digest-mismatch',
    'not-connected',
    'store-unavailable',
  )
  async publish(
    @Param('path') text: string,
    @Query() asked: unknown,
    @Headers('content-digest') contentDigest: string | undefined,
    @By() by: Actor,
    @IfMatch() expected: Expected,
    @Req() request: { body: unknown },
    @Res({ passthrough: true }) reply: HeaderSink,
  ): Promise<PublishedView> {
    const path = parseControlPath(text);
    const live = parsed(query, asked).live === 'true';
    const artifact = artifactIn(request.body);
    const published = await this.door.publish({ path, artifact, contentDigest, by, live, expected });
    reply.status(published.created ? HttpStatus.CREATED : HttpStatus.OK);
    return this.#show(path, published, reply);
  }

  async #show(path: ControlPath, { created, record }: Published, reply: HeaderSink): Promise<PublishedView> {
    const [version, handler] = await Promise.all([
      this.catalogue.version(path, record.version),
      this.catalogue.handler(path),
    ]);
    const { revision = 0, live = [] } = handler ?? {};
    const executors = await this.executors.confirm(path, live.length > 0 ? revision : 0);
    reply.header('etag', etagOf(revision));
    return {
      created,
      ...viewVersion(version ?? record),
      revision,
      executors,
    };
  }
}

/** The parser gives bytes or nothing at all. */
function artifactIn(body: unknown): Uint8Array {
  if (body instanceof Uint8Array && body.length > 0) return body;
  throw new MeshError('bad-artifact', 'The request has no body.');
}
