import { Controller, Get, HttpCode, Inject, Post, Req, Res } from '@nestjs/common';
import { ApiBody, ApiOperation, ApiResponse } from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { type Answer, fromOutcome, NOT_LOADED, refused } from './from-outcome.js';
import type { OneHandler } from './one-handler.js';
import { DETAIL_SCHEMA, FAULTS_SCHEMA, HEALTH_SCHEMA, REQUEST_SCHEMA, RESULT_SCHEMA } from './openapi.js';
import { readRequest } from './request-data.js';

const EMPTY = Buffer.alloc(0);

export const HANDLER = Symbol('handler');
/** `undefined` when there is none: requests are answered all the same. */
export type Loaded = { readonly handler: OneHandler | undefined };

@Controller()
export class HandlerController {
  constructor(@Inject(HANDLER) private readonly loaded: Loaded) {}

  @Post('/')
  @ApiOperation({ summary: 'Runs the handler on a payload.' })
  @ApiBody({ schema: REQUEST_SCHEMA })
  @ApiResponse({ status: 200, description: 'What the handler returned.', schema: RESULT_SCHEMA })
  @ApiResponse({ status: 400, description: 'The handler raised an exception.', schema: DETAIL_SCHEMA })
  @ApiResponse({
    status: 413,
    description: 'The body is longer than 8 MiB less 16 KiB.',
    schema: DETAIL_SCHEMA,
  })
  @ApiResponse({ status: 422, description: 'The body is not as described.', schema: FAULTS_SCHEMA })
  @ApiResponse({ status: 429, description: 'Too many requests wait.', schema: DETAIL_SCHEMA })
  @ApiResponse({ status: 500, description: 'The handler is not loaded.', schema: DETAIL_SCHEMA })
  @ApiResponse({ status: 502, description: 'The handler crashed.', schema: DETAIL_SCHEMA })
  @ApiResponse({ status: 504, description: 'The handler took too long.', schema: DETAIL_SCHEMA })
  async run(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const { status, json } = await this.#answer(request);
    await reply.status(status).type('application/json').send(json);
  }

  async #answer({ body, headers }: FastifyRequest): Promise<Answer> {
    const data = readRequest(Buffer.isBuffer(body) ? body : EMPTY, headers['content-type']);
    if ('faults' in data) return refused(data.faults);
    const { handler } = this.loaded;
    return handler ? fromOutcome(await handler.run(data.payload)) : NOT_LOADED;
  }

  @Get('/health')
  @HttpCode(200)
  @ApiOperation({ summary: 'Says that the worker is there.' })
  @ApiResponse({ status: 200, description: 'It is.', schema: HEALTH_SCHEMA })
  health(): { status: string; timestamp: string } {
    return { status: 'ok', timestamp: new Date().toISOString() };
  }
}
