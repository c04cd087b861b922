import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { Server as NetServer, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import cors from 'cors';
import { MeshError, PROBLEM_JSON, problemOf } from '#contracts';
import type { CallHandler } from './call-handler.js';
import type { IngressHttpConfig } from './config.js';
import { fromError } from './from-result.js';
import { isBodiless } from './read-body.js';

type Listener = (request: IncomingMessage, response: ServerResponse) => void;
type ListenerOptions = Pick<IngressHttpConfig, 'corsOrigins' | 'keepAlive'>;

/** First segments that belong to the mesh's own pages, served by Nest. */
const OWN_PAGES: ReadonlySet<string> = new Set(['health', 'metrics', 'docs', 'openapi.json']);
/** A request line and headers larger than this are refused: 431. */
const MAX_HEADER_BYTES = 16 * 1024;
/** A request whose head is not whole after this time is refused: 408. */
const HEAD_LIMIT_MS = 60_000;
/** And one that is not whole after this, whoever reads it: longer than any handler may take. Who does bounds it closer. */
const REQUEST_LIMIT_MS = 960_000;
/** How long a connection may still bring a request that was on its way when the stop began. */
const LINGER_MS = 250;
/** How long a connection may then still be busy with half a request, or with one of the mesh's own pages. */
const LAST_WORDS_MS = 1_000;

/**
 * The HTTP server. Requests for handlers go straight to the data path, without Nest or Fastify in between; the
 * mesh's own pages go to them.
 */
export function createHttpServer(
  calls: CallHandler,
  ownPages: Listener,
  { corsOrigins, keepAlive }: ListenerOptions,
): Server {
  const data: Listener = (request, response) => void calls.handle(request, response);
  const callsWithCors = corsOrigins.length > 0 ? withCors(data, corsOrigins) : data;
  const pages = bounded(ownPages);
  const server = createServer(
    {
      maxHeaderSize: MAX_HEADER_BYTES,
      headersTimeout: HEAD_LIMIT_MS,
      requestTimeout: REQUEST_LIMIT_MS,
      keepAliveTimeout: keepAlive * 1_000,
      requireHostHeader: false,
      noDelay: true,
    },
    (request, response) =>
      isOwnPage(request.url as string) ? pages(request, response) : callsWithCors(request, response),
  );
  server.on('clientError', refuse);
  server.on('checkExpectation', (_request, response: ServerResponse) =>
    writeError(response, new MeshError('bad-request', 'Only Expect: 100-continue is understood.')),
  );
  // Whoever reads the body asks for it; the mesh's own pages have none.
  server.on('checkContinue', (request: IncomingMessage, response: ServerResponse) =>
    server.emit('request', request, response),
  );
  // Without this a CONNECT is cut without a word.
  server.on('connect', (_request, socket: Socket) => writeRefusal(socket, new MeshError('bad-request')));
  return server;
}

/** The mesh's own pages take no bodies; who announces one has no longer for it than for a head. */
function bounded(next: Listener): Listener {
  return (request, response) => {
    if (!isBodiless(request)) {
      const timer = setTimeout(() => request.destroy(), HEAD_LIMIT_MS);
      response.once('close', () => clearTimeout(timer));
    }
    next(request, response);
  };
}

function isOwnPage(target: string): boolean {
  const end = target.slice(1).search(/[/?]/);
  return OWN_PAGES.has(end < 0 ? target.slice(1) : target.slice(1, end + 1));
}

function withCors(next: Listener, origins: readonly string[]): Listener {
  const handle = cors({
    origin: origins.includes('*') ? '*' : [...origins],
    exposedHeaders: ['mesh-id', 'mesh-version', 'location', 'preference-applied', 'retry-after'],
    maxAge: 600,
  });
  return (request, response) => {
    const { method, headers } = request;
    // The middleware takes every OPTIONS for a preflight; Fetch, clause 3.2.2, says which are.
    const isPreflight = headers['access-control-request-method'] !== undefined;
    if (headers.origin === undefined || (method === 'OPTIONS' && !isPreflight)) next(request, response);
    else handle(request as never, response as never, () => next(request, response));
  };
}

/**
 * Stops listening, gives open connections the time to bring what was on its way, and waits until all is answered.
 * Connections that never brought a whole request then end, too: one that a browser opened in advance, for instance.
 */
export async function drainHttp(server: Server, calls: CallHandler): Promise<void> {
  calls.drain();
  // Not http.Server's close(): that also cuts idle connections, on which a request may just be arriving.
  const closed = new Promise((resolve) => NetServer.prototype.close.call(server, resolve));
  await delay(LINGER_MS);
  await calls.idle();
  server.closeIdleConnections();
  await Promise.race([closed, delay(LAST_WORDS_MS, undefined, { ref: false })]);
  await calls.idle();
  server.closeAllConnections();
  await closed;
}

const CLIENT_ERRORS: Readonly<Record<string, MeshError['code']>> = {
  HPE_HEADER_OVERFLOW: 'headers-too-large',
  HPE_CHUNK_EXTENSIONS_OVERFLOW: 'payload-too-large',
  ERR_HTTP_REQUEST_TIMEOUT: 'request-timeout',
};

/** What is no HTTP gets its answer here, written by hand: there is no request to answer. */
function refuse(error: Error & { code?: string }, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  writeRefusal(socket, new MeshError(CLIENT_ERRORS[error.code ?? ''] ?? 'bad-request'));
}

function writeRefusal(socket: Socket, fault: MeshError): void {
  const body = JSON.stringify(problemOf(fault));
  socket.end(
    `HTTP/1.1 ${fault.status} Refused\r\nconnection: close\r\ncontent-type: ${PROBLEM_JSON}\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  );
}

function writeError(response: ServerResponse, error: MeshError): void {
  const { status, headers, body } = fromError(error, undefined);
  response.writeHead(status, headers);
  response.end(body);
}
