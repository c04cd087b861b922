import type { Server } from 'node:http';
import type { Socket } from 'node:net';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import type { FastifyError, FastifyInstance, FastifyReply } from 'fastify';
import { MeshError, PROBLEM_JSON, problemOf } from '#contracts';
import type { AdminToken } from './admin-token.js';

/** The media type of an artifact, and what tools send that do not know it. */
export const ARTIFACT_TYPES = [
  'application/vnd.lambda-mesh.artifact+gzip',
  'application/gzip',
  'application/octet-stream',
];

/** A whole request must have arrived after this, ms. */
const REQUEST_MS = 120_000;
/** While stopping: how often idle connections are closed, and how long a request may still take, ms. */
const SWEEP_MS = 50;
const LAST_REQUEST_MS = 30_000;
const RETRY_AFTER_S = '2';
/** A control path of 200 characters, each percent-encoded. */
const MAX_PARAMETER = 600;

/**
 * Fastify as the registry wants it: bodies are artifacts and nothing else, and nobody without the token gets as
 * far as sending one.
 */
export function httpServer(token: AdminToken, maxArtifactBytes: number): FastifyAdapter {
  const adapter = new FastifyAdapter({
    bodyLimit: maxArtifactBytes,
    requestTimeout: REQUEST_MS,
    routerOptions: { maxParamLength: MAX_PARAMETER },
    // A request that arrives on an open connection while we stop is still answered.
    return503OnClosing: false,
    frameworkErrors: refuseTarget,
    clientErrorHandler: refuseConnection,
  });
  const fastify = adapter.getInstance<FastifyInstance>();
  guard(fastify, token);
  acceptArtifactsOnly(fastify);
  completeAnswers(fastify);
  return adapter;
}

function completeAnswers(fastify: FastifyInstance): void {
  let closing = false;
  fastify.addHook('preClose', async () => {
    closing = true;
    letGo(fastify.server);
  });
  fastify.addHook('onSend', async (_request, reply) => {
    if (reply.statusCode === 503) reply.header('retry-after', RETRY_AFTER_S);
    // Else a client that keeps its connection busy would keep us from ending.
    if (closing) reply.header('connection', 'close');
  });
}

/** Before the body is read. The matched pattern decides, so that no other spelling of a path gets round it. */
function guard(fastify: FastifyInstance, token: AdminToken): void {
  fastify.addHook('onRequest', async (request) => {
    const url = request.routeOptions.url ?? request.url;
    if (url.startsWith('/v1')) token.check(request.headers.authorization);
  });
}

function acceptArtifactsOnly(fastify: FastifyInstance): void {
  fastify.removeAllContentTypeParsers();
  fastify.addContentTypeParser(ARTIFACT_TYPES, { parseAs: 'buffer' }, (request, body, done) => {
    // The artifact is itself gzip; a coding on top of it would be undone by nobody.
    const coding = request.headers['content-encoding'];
    if (coding) done(new MeshError('unsupported-media-type', 'Send the artifact without Content-Encoding.'));
    else done(null, body);
  });
}

/**
 * `server.close()` ends the connections that are idle when it is called. One that becomes idle later, as after a
 * body that was refused unread, would hold the end up until its keep-alive runs out.
 */
function letGo(server: Server): void {
  const idle = setInterval(() => server.closeIdleConnections(), SWEEP_MS);
  const all = setTimeout(() => server.closeAllConnections(), LAST_REQUEST_MS);
  server.once('close', () => {
    clearInterval(idle);
    clearTimeout(all);
  });
}

/** What the router refuses before any hook or filter: a target that does not decode, or is too long. */
function refuseTarget(error: FastifyError, _request: unknown, reply: FastifyReply): void {
  const problem = problemOf(new MeshError(error.statusCode === 414 ? 'uri-too-long' : 'bad-request'));
  void reply.status(problem.status).header('content-type', PROBLEM_JSON).send(JSON.stringify(problem));
}

/** What is not even HTTP, where no filter can answer. */
function refuseConnection(error: Error & { code?: string }, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const problem = problemOf(connectionError(error.code));
  const body = JSON.stringify(problem);
  const headers = `content-type: ${PROBLEM_JSON}\r\ncontent-length: ${body.length}\r\nconnection: close`;
  socket.end(`HTTP/1.1 ${problem.status} ${problem.code}\r\n${headers}\r\n\r\n${body}`);
}

function connectionError(code: string | undefined): MeshError {
  if (code === 'HPE_HEADER_OVERFLOW') return new MeshError('headers-too-large');
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') return new MeshError('request-timeout');
  return new MeshError('bad-request');
}
