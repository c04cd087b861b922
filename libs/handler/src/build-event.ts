import type { EventEnvelope, EventMeta } from '../../contracts/src/envelope.js';
import type { CloudEvent, HandlerEvent, JsonValue, StreamedEvent, Values } from './author-types.js';
import { decodeBody, kindOf } from './decode-body.js';
import { parseMediaType } from './media-type.js';
import { emptyRecord, parseQuery } from './pairs.js';
import { unwrapEvent } from './structured-event.js';

interface Decoded {
  readonly body: unknown;
  readonly isJson: boolean;
  readonly cloudEvent: CloudEvent | undefined;
}

/**
 * The event that a handler sees. Asynchronous for multipart bodies alone, because this runs for every call.
 * @throws MeshError `bad-body` or `unsupported-media-type` (multipart: the promise rejects)
 */
export function buildEvent(
  path: string,
  envelope: EventEnvelope,
  raw: Uint8Array,
): HandlerEvent | Promise<HandlerEvent> {
  const decoded = decode(envelope, raw);
  if (decoded.body instanceof Promise)
    return decoded.body.then((body: unknown) => assemble(path, envelope, raw, { ...decoded, body }));
  return assemble(path, envelope, raw, decoded);
}

/** The event of a handler that takes the body as it comes. Nothing is decoded. */
export function buildStreamedEvent(
  path: string,
  { id, meta, cloudEvent }: EventEnvelope,
  body: AsyncIterable<Uint8Array>,
): StreamedEvent {
  return {
    id,
    path,
    source: meta.source,
    time: cloudEvent?.time ?? now(),
    method: meta.method,
    query: meta.query === undefined ? emptyRecord() : parseQuery(meta.query),
    params: copy(meta.params),
    headers: copy(meta.headers),
    stream: ReadableStream.from(body),
    attributes: copy(meta.attributes as Record<string, JsonValue> | undefined),
    cloudEvent,
  };
}

/** A body that is there already, as one that comes. */
export async function* once(body: Uint8Array): AsyncGenerator<Uint8Array> {
  if (body.length > 0) yield body;
}

function decode({ contentType, cloudEvent }: EventEnvelope, raw: Uint8Array): Decoded {
  const body = decodeBody(raw, contentType);
  if (contentType === undefined) return { body, isJson: true, cloudEvent };
  const kind = kindOf(parseMediaType(contentType));
  if (kind === 'cloudevent') return unwrapEvent(body);
  return { body, isJson: kind === 'json', cloudEvent };
}

// One literal for every event: all have the same shape, which the engine rewards.
function assemble(path: string, envelope: EventEnvelope, raw: Uint8Array, decoded: Decoded): HandlerEvent {
  const { meta } = envelope;
  const event: HandlerEvent = {
    id: envelope.id,
    path,
    source: meta.source,
    time: decoded.cloudEvent?.time ?? now(),
    method: meta.method,
    query: queryOf(meta, decoded),
    params: copy(meta.params),
    headers: copy(meta.headers),
    body: decoded.body,
    raw,
    attributes: copy(meta.attributes as Record<string, JsonValue> | undefined),
    cloudEvent: decoded.cloudEvent,
  };
  return meta.attributes?.records === undefined ? event : withRecords(event);
}

/** A batch of SQS messages also stands where Lambda has it, so that a handler written for Lambda finds it. */
function withRecords(event: HandlerEvent): HandlerEvent {
  const { Records } = (event.body ?? {}) as { Records?: unknown };
  if (event.source !== 'sqs' || !Array.isArray(Records)) return event;
  return Object.assign(event, { Records });
}

/** HTTP bodies never feed the query; a source that has no query has its JSON object's fields instead. */
function queryOf(meta: EventMeta, { body, isJson }: Decoded): Values {
  if (meta.query !== undefined) return parseQuery(meta.query);
  if (meta.source === 'http' || !isJson || !isPlainObject(body)) return emptyRecord();
  const query: Values = emptyRecord();
  for (const name of Object.keys(body)) {
    const value = queryValue(body[name]);
    if (value !== undefined) query[name] = value;
  }
  return query;
}

function queryValue(value: unknown): string | string[] | undefined {
  if (isScalar(value)) return String(value);
  return Array.isArray(value) && value.every(isScalar) ? value.map(String) : undefined;
}

const isScalar = (value: unknown): value is string | number | boolean =>
  typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean';

const isPlainObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Uint8Array);

/** Without prototype: `event.headers.constructor` is nothing. */
function copy<T>(from: Readonly<Record<string, T>> | undefined): Record<string, T> {
  const record = emptyRecord<T>();
  if (from) for (const name in from) record[name] = from[name] as T;
  return record;
}

let lastMs = 0;
let lastTime = '';

/** RFC 3339; the text of a millisecond is made once. */
function now(): string {
  const ms = Date.now();
  if (ms !== lastMs) {
    lastMs = ms;
    lastTime = new Date(ms).toISOString();
  }
  return lastTime;
}
