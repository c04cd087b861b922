import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import {
  type CloudEventAttributes,
  DEFAULT_TIMEOUT_MS,
  decodeAttribute,
  type EventEnvelope,
  type EventMeta,
  isAlias,
  isVersion,
  MeshError,
  mintMeshId,
} from '#contracts';
import { callerOf } from './caller.js';
import { checkHeader, checkQuery, decodeParams } from './request-text.js';
import type { Match } from './router.js';

// https://www.w3.org/TR/trace-context/#traceparent-header
const TRACEPARENT = /^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/;
// RFC 9110, clause 8.3.1: type "/" subtype, then parameters.
const MEDIA_TYPE = /^[!#$%&'*+.^_`|~0-9a-z-]+\/[!#$%&'*+.^_`|~0-9a-z-]+\s*(;|$)/i;

const MAX_STICKY_LENGTH = 256;

/**
 * A request as an event. Nothing of it becomes a header or a subject by itself: what HTTP knows travels as JSON.
 * @param path as received, without the query
 * @param query raw, without `?`
 * @throws MeshError `bad-request` or `unsupported-media-type`
 */
export function toEvent(request: IncomingMessage, path: string, query: string, match: Match): EventEnvelope {
  const { headers } = request;
  const timeout = timeoutOf(match);
  const version = versionOf(headers, match);
  const sticky = stickyOf(headers);
  const contentType = contentTypeOf(headers);
  const cloudEvent = headers['ce-specversion'] === undefined ? undefined : cloudEventOf(headers);
  const traceparent = headers.traceparent as string | undefined;
  return {
    id: mintMeshId(),
    meta: metaOf(request, path, query, match),
    ...(version === undefined ? undefined : { version }),
    ...(sticky === undefined ? undefined : { sticky }),
    ...(timeout === DEFAULT_TIMEOUT_MS ? undefined : { timeout }),
    ...(contentType === undefined ? undefined : { contentType }),
    ...(cloudEvent === undefined ? undefined : { cloudEvent }),
    ...(traceparent === undefined || !TRACEPARENT.test(traceparent) ? undefined : { traceparent }),
  };
}

/** From `/users/find@1.2.0`, or the header `mesh-version`; a pin must not be undone by another. */
function versionOf(headers: IncomingHttpHeaders, { version }: Match): string | undefined {
  const stated = headers['mesh-version'] as string | undefined;
  if (stated === undefined || stated === version) return version;
  if (version !== undefined)
    throw new MeshError('bad-request', 'Path and mesh-version name different versions.');
  if (!isVersion(stated) && !isAlias(stated))
    throw new MeshError('bad-request', 'mesh-version must be a version such as 1.2.0 or an alias.');
  return stated;
}

function stickyOf(headers: IncomingHttpHeaders): string | undefined {
  const sticky = headers['mesh-sticky'] as string | undefined;
  if (sticky !== undefined && sticky.length > MAX_STICKY_LENGTH)
    throw new MeshError('bad-request', `mesh-sticky has at most ${MAX_STICKY_LENGTH} characters.`);
  return sticky;
}

function metaOf(request: IncomingMessage, path: string, query: string, { params }: Match): EventMeta {
  if (query !== '') checkQuery(query);
  const caller = callerOf(request.socket);
  return {
    source: 'http',
    ...(caller === undefined ? undefined : { caller }),
    method: request.method as string,
    path,
    ...(query === '' ? undefined : { query }),
    headers: passedOn(request.headers),
    ...(params === undefined ? undefined : { params: decodeParams(params) }),
  };
}

/** Inbound `Nats-*` headers are for a NATS server, never for a handler. */
function passedOn(headers: IncomingHttpHeaders): Record<string, string | string[]> {
  let hasNats = false;
  for (const name in headers) {
    const value = headers[name];
    if (typeof value === 'string') checkHeader(name, value);
    if (name.startsWith('nats-')) hasNats = true;
  }
  return hasNats ? withoutNats(headers) : (headers as Record<string, string | string[]>);
}

function withoutNats(headers: IncomingHttpHeaders): Record<string, string | string[]> {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !name.startsWith('nats-'))) as Record<
    string,
    string | string[]
  >;
}

function contentTypeOf(headers: IncomingHttpHeaders): string | undefined {
  const coding = headers['content-encoding'];
  if (coding !== undefined && coding !== 'identity')
    throw new MeshError('unsupported-media-type', 'Send the body without a content coding.');
  const type = headers['content-type'];
  if (type !== undefined && !MEDIA_TYPE.test(type))
    throw new MeshError('unsupported-media-type', 'The content type must look like application/json.');
  return type;
}

/** CloudEvents HTTP binding, binary mode; values are percent-encoded (clause 3.1.3.2). */
function cloudEventOf(headers: IncomingHttpHeaders): CloudEventAttributes {
  const read = (name: string) => {
    const value = headers[`ce-${name}`] as string | undefined;
    return value === undefined ? undefined : decodeAttribute(value);
  };
  const attributes = {
    id: read('id'),
    source: read('source'),
    type: read('type'),
    subject: read('subject'),
    time: read('time'),
  };
  return Object.fromEntries(Object.entries(attributes).filter(([, value]) => value !== undefined));
}

/** The handler's own limit, ms; with several versions live the longest, since the executor picks. */
function timeoutOf({ route: { versions } }: Match): number {
  let longest = 0;
  for (const { limits } of versions) longest = Math.max(longest, limits.timeoutMs ?? DEFAULT_TIMEOUT_MS);
  return longest;
}
