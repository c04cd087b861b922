import { Controller, Headers, HttpStatus, Param, Post, Req, Res } from '@nestjs/common';
import { ApiBody, ApiConsumes, ApiHeader, ApiOperation, ApiParam, ApiTags } from '@nestjs/swagger';
import { MeshError, parseControlPath } from '#contracts';
import { ARTIFACT_TYPES } from '../api/http-server.js';
import { Answers, PATH_PARAMETER, Refuses } from '../api/openapi.js';
import { type VersionView, versionView, viewVersion } from '../handlers/views.js';
import { Door } from './door.js';

/** The holder of the admin token; tokens with names are for another issue. */
const ADMIN = 'admin';

@ApiTags('handlers')
@Controller('v1/handlers')
export class PublishController {
  constructor(private readonly door: Door) {}

  @Post(':path/versions')
  @ApiOperation({
    summary: 'Publish a version and make it live',
    description:
      'The body is the artifact: a gzip-compressed tar with `manifest.json`. Sending the same again changes nothing.',
  })
  @ApiParam(PATH_PARAMETER)
  @ApiHeader({ name: 'content-digest', required: false, description: 'RFC 9530; checked if present.' })
  @ApiConsumes(...ARTIFACT_TYPES)
  @ApiBody({ schema: { type: 'string', format: 'binary' } })
  @Answers(201, 'Published, and live.', versionView)
  @Answers(200, 'Exactly this was published before; nothing changed.', versionView)
  @Refuses(
    'bad-path',
    'bad-request',
    'conflict',
    'payload-too-large',
    'unsupported-media-type',
    'bad-artifact',
    'digest-mismatch',
    'not-connected',
    'store-unavailable',
  )
  async publish(
    @Param('path') text: string,
    @Headers('content-digest') contentDigest: string | undefined,
    @Req() request: { body: unknown },
    @Res({ passthrough: true }) reply: { status(code: number): unknown },
  ): Promise<VersionView> {
    const path = parseControlPath(text);
    const artifact = artifactIn(request.body);
    const { created, record } = await this.door.publish({ path, artifact, contentDigest, actor: ADMIN });
    reply.status(created ? HttpStatus.CREATED : HttpStatus.OK);
    return viewVersion(record);
  }
}

/** The parser gives bytes or nothing at all. */
function artifactIn(body: unknown): Uint8Array {
  if (body instanceof Uint8Array && body.length > 0) return body;
  throw new MeshError('bad-artifact', 'The request has no body.');
}
