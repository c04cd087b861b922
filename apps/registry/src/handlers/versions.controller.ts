import { Controller, Delete, Get, Param, Post, Query, Res, StreamableFile } from '@nestjs/common';
import { ApiHeader, ApiOperation, ApiParam, ApiProduces, ApiQuery, ApiTags } from '@nestjs/swagger';
import { z } from 'zod';
import { ArtifactStore } from '#artifacts';
import { type ControlPath, isVersion, MeshError, parseControlPath } from '#contracts';
import { ARTIFACT_TYPES } from '../api/http-server.js';
import { JsonBody, text } from '../api/json-body.js';
import {
  Answers,
  CURSOR_PARAMETER,
  IF_MATCH_HEADER,
  LIMIT_PARAMETER,
  PATH_PARAMETER,
  Refuses,
  Takes,
  VERSION_PARAMETER,
} from '../api/openapi.js';
import { type Page, pageOf, readPage } from '../api/paging.js';
import { By, IfMatch } from '../api/precondition.js';
import { Catalogue } from '../catalogue/catalogue.js';
import type { Actor, Expected, ListedVersion } from '../catalogue/values.js';
import { type HeaderSink, showHandler } from './show-handler.js';
import {
  type HandlerDetailView,
  handlerDetailView,
  type VersionView,
  versionView,
  viewVersion,
} from './views.js';

const deprecation = z.strictObject({
  message: text(1_000).default('deprecated').describe('Why, and what to use instead. Empty: it is no more.'),
});

/** Versions of a handler: reading them, and what can be said of one that never changes. */
@ApiTags('versions')
@Controller('v1/handlers/:path/versions')
export class VersionsController {
  constructor(
    private readonly catalogue: Catalogue,
    private readonly artifacts: ArtifactStore,
  ) {}

  @Get()
  @ApiOperation({ summary: 'Every version of a handler, by precedence, the highest first' })
  @ApiParam(PATH_PARAMETER)
  @ApiQuery(LIMIT_PARAMETER)
  @ApiQuery(CURSOR_PARAMETER)
  @Answers(200, 'One page.', pageOf(versionView))
  @Refuses('bad-path', 'not-found', 'bad-request')
  list(@Param('path') path: string, @Query() query: unknown): Promise<Page<VersionView>> {
    return readPage(
      query,
      (after, limit) => this.#page(parseControlPath(path), after, limit),
      ({ version }) => version,
      viewVersion,
    );
  }

  @Get(':version')
  @ApiOperation({ summary: 'One version' })
  @ApiParam(PATH_PARAMETER)
  @ApiParam(VERSION_PARAMETER)
  @Answers(200, 'The version.', versionView)
  @Refuses('bad-path', 'no-version')
  async one(@Param('path') path: string, @Param('version') version: string): Promise<VersionView> {
    return viewVersion(await this.#find(parseControlPath(path), version));
  }

  @Get(':version/artifact')
  @ApiOperation({ summary: 'The bytes that were published' })
  @ApiParam(PATH_PARAMETER)
  @ApiParam(VERSION_PARAMETER)
  @ApiProduces(ARTIFACT_TYPES[0] as string)
  @Refuses('bad-path', 'no-version', 'artifact-missing', 'store-unavailable')
  async artifact(
    @Param('path') path: string,
    @Param('version') version: string,
    @Res({ passthrough: true }) reply: HeaderSink,
  ): Promise<StreamableFile> {
    const { digest } = await this.#find(parseControlPath(path), version);
    const bytes = await this.artifacts.get(digest);
    if (!bytes) throw new MeshError('artifact-missing', 'store-unavailable');
    // RFC 9530, so that who gets it can tell whether it is whole.
    const base64 = Buffer.from(digest.slice('sha256:'.length), 'hex').toString('base64');
    reply.header('content-digest', `sha-256=:${base64}:`);
    reply.header('cache-control', 'private, max-age=31536000, immutable');
    return new StreamableFile(bytes, { type: ARTIFACT_TYPES[0] as string, length: bytes.length });
  }

  @Post(':version/deprecate')
  @ApiOperation({ summary: 'Say that a version should not be used any more; it goes on to work' })
  @ApiParam(PATH_PARAMETER)
  @ApiParam(VERSION_PARAMETER)
  @ApiHeader(IF_MATCH_HEADER)
  @Takes(deprecation)
  @Answers(200, 'The handler.', handlerDetailView)
  @Refuses('bad-path', 'bad-request', 'not-found', 'no-version', 'revision-mismatch')
  async deprecate(
    @Param('path') pathText: string,
    @Param('version') version: string,
    @JsonBody(deprecation) { message }: z.output<typeof deprecation>,
    @By() by: Actor,
    @IfMatch() expected: Expected,
    @Res({ passthrough: true }) reply: HeaderSink,
  ): Promise<HandlerDetailView> {
    const path = parseControlPath(pathText);
    reply.status(200);
    await this.catalogue.changes.deprecate({ path, by, expected }, version, message);
    return showHandler(this.catalogue, path, reply);
  }

  @Delete(':version')
  @ApiOperation({
    summary: 'Delete a version that is neither live nor aliased',
    description: 'Its number stays taken: it never stands for other bytes.',
  })
  @ApiParam(PATH_PARAMETER)
  @ApiParam(VERSION_PARAMETER)
  @ApiHeader(IF_MATCH_HEADER)
  @Answers(200, 'The handler.', handlerDetailView)
  @Refuses('bad-path', 'not-found', 'no-version', 'conflict', 'revision-mismatch')
  async remove(
    @Param('path') pathText: string,
    @Param('version') version: string,
    @By() by: Actor,
    @IfMatch() expected: Expected,
    @Res({ passthrough: true }) reply: HeaderSink,
  ): Promise<HandlerDetailView> {
    const path = parseControlPath(pathText);
    await this.catalogue.changes.remove({ path, by, expected }, version);
    return showHandler(this.catalogue, path, reply);
  }

  async #page(path: ControlPath, after: string | undefined, limit: number): Promise<ListedVersion[]> {
    if (after !== undefined && !isVersion(after))
      throw new MeshError('bad-request', 'cursor: not of this list');
    const found = await this.catalogue.versions(path, after, limit);
    if (!found) throw new MeshError('not-found', `No handler was ever published as ${path}.`);
    return found;
  }

  async #find(path: ControlPath, version: string): Promise<ListedVersion> {
    const found = isVersion(version) ? await this.catalogue.version(path, version) : undefined;
    if (!found) throw new MeshError('no-version', `${path} has no version ${JSON.stringify(version)}.`);
    return found;
  }
}
