import { type ArgumentsHost, Catch, type ExceptionFilter, HttpException } from '@nestjs/common';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { detail } from './from-outcome.js';
import { isJson } from './request-data.js';

/** Bytes: what the mesh's own ingress takes, less the room for headers. */
const MAX_BODY = 8 * 1024 * 1024 - 16 * 1024;

/** Fastify that hands every body over as it came: what is wrong with it is told in words of its own. */
export function httpServer(): FastifyAdapter {
  const adapter = new FastifyAdapter({
    bodyLimit: MAX_BODY,
    return503OnClosing: false,
    forceCloseConnections: 'idle',
  });
  const fastify = adapter.getInstance<FastifyInstance>();
  fastify.removeAllContentTypeParsers();
  fastify.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body));
  // `GET /` is 405 there, where Fastify knows no such route.
  fastify.get('/', refuseMethod);
  fastify.addHook('onRequest', takeAnyType);
  endWithAnswers(fastify);
  return adapter;
}

/**
 * What is not said to be JSON is text, whatever it is called: Fastify would pass over a body without a content type,
 * and has words of its own for a type that is none.
 */
async function takeAnyType({ headers }: FastifyRequest): Promise<void> {
  if (!isJson(headers['content-type'])) headers['content-type'] = 'text/plain';
}

/** Once it is to stop, each answer ends its connection: a client that keeps it would keep the worker, too. */
function endWithAnswers(fastify: FastifyInstance): void {
  let isClosing = false;
  fastify.addHook('preClose', async () => {
    isClosing = true;
  });
  fastify.addHook('onSend', async (_request, reply) => {
    if (isClosing) reply.header('connection', 'close');
  });
}

async function refuseMethod(_request: FastifyRequest, reply: FastifyReply): Promise<void> {
  const { status, json } = detail(405, 'Method Not Allowed');
  await reply.status(status).header('allow', 'POST').type('application/json').send(json);
}

/** Every other error in the same form: `{"detail":"Not Found"}`. */
@Catch()
export class DetailFilter implements ExceptionFilter {
  catch(error: unknown, host: ArgumentsHost): void {
    const status = statusOf(error);
    const { json } = detail(status, status === 404 ? 'Not Found' : textOf(error, status));
    void host.switchToHttp().getResponse<FastifyReply>().status(status).type('application/json').send(json);
  }
}

function statusOf(error: unknown): number {
  if (error instanceof HttpException) return error.getStatus();
  return (error as Partial<FastifyError>).statusCode ?? 500;
}

/** Nothing of the inside: only what the caller did wrong is told. */
const textOf = (error: unknown, status: number): string =>
  status < 500 && error instanceof Error ? error.message : 'Internal Server Error';
