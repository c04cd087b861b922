import { Controller, Get, Param, Query } from '@nestjs/common';
import { ApiOperation, ApiParam, ApiQuery, ApiTags } from '@nestjs/swagger';
import { MeshError, parseControlPath } from '#contracts';
import { Answers, CURSOR_PARAMETER, LIMIT_PARAMETER, PATH_PARAMETER, Refuses } from '../api/openapi.js';
import { numberIn, type Page, pageOf, readPage } from '../api/paging.js';
import { Catalogue } from '../catalogue/catalogue.js';
import {
  type HandlerDetailView,
  type HandlerView,
  handlerDetailView,
  handlerView,
  type VersionView,
  versionView,
  viewHandler,
  viewHandlerDetail,
  viewVersion,
} from './views.js';

@ApiTags('handlers')
@Controller('v1/handlers')
export class HandlersController {
  constructor(private readonly catalogue: Catalogue) {}

  @Get()
  @ApiOperation({ summary: 'Handlers, in order of path' })
  @ApiQuery(LIMIT_PARAMETER)
  @ApiQuery(CURSOR_PARAMETER)
  @Answers(200, 'One page.', pageOf(handlerView))
  @Refuses('bad-request')
  list(@Query() query: unknown): Promise<Page<HandlerView>> {
    return readPage(
      query,
      (after, limit) => this.catalogue.handlers({ after, limit }),
      ({ path }) => path,
      viewHandler,
    );
  }

  @Get(':path')
  @ApiOperation({ summary: 'One handler: its live versions, manifest, and where it is degraded' })
  @ApiParam(PATH_PARAMETER)
  @Answers(200, 'The handler.', handlerDetailView)
  @Refuses('bad-path', 'not-found')
  async one(@Param('path') text: string): Promise<HandlerDetailView> {
    const path = parseControlPath(text);
    const [handler, reports] = await Promise.all([
      this.catalogue.handler(path),
      this.catalogue.reports(path),
    ]);
    if (!handler) throw noHandler(path);
    return viewHandlerDetail(handler, reports);
  }

  @Get(':path/versions')
  @ApiOperation({ summary: 'Every version of a handler, the newest first' })
  @ApiParam(PATH_PARAMETER)
  @ApiQuery(LIMIT_PARAMETER)
  @ApiQuery(CURSOR_PARAMETER)
  @Answers(200, 'One page.', pageOf(versionView))
  @Refuses('bad-path', 'not-found', 'bad-request')
  async versions(@Param('path') text: string, @Query() query: unknown): Promise<Page<VersionView>> {
    const path = parseControlPath(text);
    return readPage(
      query,
      async (cursor, limit) => {
        const found = await this.catalogue.versions(path, numberIn(cursor), limit);
        if (!found) throw noHandler(path);
        return found;
      },
      ({ seq }) => String(seq),
      viewVersion,
    );
  }
}

const noHandler = (path: string) => new MeshError('not-found', `No handler was ever published as ${path}.`);
