import { Controller, Get, Param, Query, Res } from '@nestjs/common';
import { ApiOperation, ApiParam, ApiQuery, ApiTags } from '@nestjs/swagger';
import { parseControlPath } from '#contracts';
import { Answers, CURSOR_PARAMETER, LIMIT_PARAMETER, PATH_PARAMETER, Refuses } from '../api/openapi.js';
import { type Page, pageOf, readPage } from '../api/paging.js';
import { Catalogue } from '../catalogue/catalogue.js';
import { type HeaderSink, showHandler } from './show-handler.js';
import {
  type HandlerDetailView,
  type HandlerView,
  handlerDetailView,
  handlerView,
  viewHandler,
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
  @ApiOperation({ summary: 'One handler: live versions, aliases, manifest, and where it is degraded' })
  @ApiParam(PATH_PARAMETER)
  @Answers(200, 'The handler; its revision is the ETag.', handlerDetailView)
  @Refuses('bad-path', 'not-found')
  async one(
    @Param('path') text: string,
    @Res({ passthrough: true }) reply: HeaderSink,
  ): Promise<HandlerDetailView> {
    return showHandler(this.catalogue, parseControlPath(text), reply);
  }
}
