import { type ArgumentsHost, Catch, type ExceptionFilter, HttpException } from '@nestjs/common';
import { v7 as uuidv7 } from 'uuid';
import { asMeshError, ERRORS, type ErrorCode, MeshError, PROBLEM_JSON, problemOf } from '#contracts';
import type { Log } from './logger.js';

/** What is used of a Fastify reply. */
interface Reply {
  status(code: number): Reply;
  header(name: string, value: string): Reply;
  send(body: Uint8Array): Reply;
}

const CODE_OF_STATUS: Readonly<Record<number, ErrorCode>> = {
  400: 'bad-request',
  401: 'unauthorized',
  403: 'forbidden',
  404: 'not-found',
  405: 'method-not-allowed',
  408: 'request-timeout',
  413: 'payload-too-large',
  414: 'uri-too-long',
  415: 'unsupported-media-type',
  431: 'headers-too-large',
  503: 'shutting-down',
};

/** Every error of a Nest HTTP server as problem+json; what is not of the mesh stays in the log. */
@Catch()
export class ProblemFilter implements ExceptionFilter {
  constructor(private readonly log: Log) {}

  catch(exception: unknown, host: ArgumentsHost): void {
    const error = toMeshError(exception);
    const id = uuidv7();
    if (error.code === 'internal') this.log.error(`A request failed: ${id}.`, exception);
    write(host.switchToHttp().getResponse<Reply>(), error, id);
  }
}

/** For what Fastify refuses before Nest hears of it, a faulty percent-encoding say: its option `frameworkErrors`. */
export function answerProblem(error: unknown, _request: unknown, reply: Reply): void {
  write(reply, toMeshError(error), uuidv7());
}

function write(reply: Reply, error: MeshError, id: string): void {
  if (error.code === 'unauthorized') reply.header('www-authenticate', 'Bearer');
  if (ERRORS[error.code].retry === 'later' && error.status === 503) reply.header('retry-after', '1');
  reply
    .status(error.status)
    .header('content-type', PROBLEM_JSON)
    // As bytes: Fastify adds a charset to text, which the media type does not have.
    .send(Buffer.from(JSON.stringify(problemOf(error, id))));
}

function toMeshError(exception: unknown): MeshError {
  const status = statusOf(exception);
  const code = status === undefined ? undefined : CODE_OF_STATUS[status];
  return code ? new MeshError(code) : asMeshError(exception);
}

/** The status of a Nest exception or of an error that Fastify raised itself. */
function statusOf(exception: unknown): number | undefined {
  if (exception instanceof HttpException) return exception.getStatus();
  const { code, statusCode } = exception as { code?: unknown; statusCode?: unknown };
  return typeof code === 'string' && code.startsWith('FST_') && typeof statusCode === 'number'
    ? statusCode
    : undefined;
}
