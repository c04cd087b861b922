import type { Server } from 'node:http';
import type { Socket } from 'node:net';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { MeshError, PROBLEM_JSON, problemOf } from '#contracts';
import type { Actor } from '../catalogue/values.js';
import type { Access } from './access.js';

/** The media type of an artifact, and what tools send that do not know it. */
export const ARTIFACT_TYPES = [
  'application/vnd.lambda-mesh.artifact+gzip',
  'application/gzip',
  'application/octet-stream',
];

/** A whole request must have arrived after this, ms. */
const REQUEST_MS = 120_000;
/** Longer than a load balancer keeps an idle connection (60 s), which would else send requests into closing ones; ms. */
const KEEP_ALIVE_MS = 75_000;
/** While stopping: how often idle connections are closed, and how long a request may still take, ms. */
const SWEEP_MS = 50;
const LAST_REQUEST_MS = 30_000;
const RETRY_AFTER_S = '2';
/** Largest JSON body, bytes: the operator's values of one handler, twice over. */
const MAX_JSON_BYTES = 256 * 1024;
/** A control path of 200 characters, each percent-encoded. */
const MAX_PARAMETER = 600;

/**
 * Fastify as the registry wants it: a body is an artifact where one is published and JSON elsewhere, and nobody
 * without a token that allows it gets as far as sending one.
 */
export function httpServer(access: Access, maxArtifactBytes: number): FastifyAdapter {
  const adapter = new FastifyAdapter({
    bodyLimit: maxArtifactBytes,
    requestTimeout: REQUEST_MS,
    keepAliveTimeout: KEEP_ALIVE_MS,
    routerOptions: { maxParamLength: MAX_PARAMETER },
    // A request that arrives on an open connection while we stop is still answered.
    return503OnClosing: false,
    frameworkErrors: refuseTarget,
    clientErrorHandler: refuseConnection,
  });
  const fastify = adapter.getInstance<FastifyInstance>();
  guard(fastify, access);
  acceptBodies(fastify);
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
function guard(fastify: FastifyInstance, access: Access): void {
  fastify.decorateRequest('actor', undefined);
  fastify.addHook('onRequest', async (request) => {
    const pattern = request.routeOptions.url ?? request.url;
    if (!pattern.startsWith('/v1')) return;
    const { authorization, 'user-agent': agent } = request.headers;
    const knock = { method: request.method, pattern, authorization, address: request.ip, agent };
    (request as FastifyRequest & { actor?: Actor }).actor = await access.admit(knock);
  });
}

/** The one route that takes artifacts. */
const PUBLISH = '/v1/handlers/:path/versions';

function acceptBodies(fastify: FastifyInstance): void {
  fastify.removeAllContentTypeParsers();
  fastify.addContentTypeParser(ARTIFACT_TYPES, { parseAs: 'buffer' }, (request, body, done) => {
    // The artifact is itself gzip; a coding on top of it would be undone by nobody.
    const coding = request.headers['content-encoding'];
    if (coding) done(new MeshError('unsupported-media-type', 'Send the artifact without Content-Encoding.'));
    else if (request.routeOptions.url !== PUBLISH)
      done(new MeshError('unsupported-media-type', 'Send JSON.'));
    else done(null, body);
  });
  const json = { parseAs: 'string', bodyLimit: MAX_JSON_BYTES } as const;
  fastify.addContentTypeParser('application/json', json, (request, body, done) => {
    if (request.routeOptions.url === PUBLISH)
      done(new MeshError('unsupported-media-type', `Send an artifact, as ${ARTIFACT_TYPES[0]}.`));
    else parseJson(String(body), done);
  });
}

function parseJson(text: string, done: (error: Error | null, body?: unknown) => void): void {
  try {
    // The schemas take no `__proto__` for a field; nothing is merged into anything.
    done(null, text === '' ? undefined : JSON.parse(text));
  } catch {
    done(new MeshError('bad-body', 'That is not JSON.'));
  }
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
