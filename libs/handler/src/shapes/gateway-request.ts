import { isUtf8 } from 'node:buffer';
import type { Values } from '../author-types.js';
import { decodeBody } from '../decode-body.js';
import { emptyRecord, parseQuery } from '../pairs.js';
import { matchedTrigger } from './matched-trigger.js';
import type { Asked } from './shape.js';

/** What both versions of API Gateway's document are made of. */
export interface GatewayRequest {
  readonly id: string;
  readonly method: string;
  /** As received. */
  readonly path: string;
  /** The trigger's path, such as `/users/{id}`. */
  readonly resource: string;
  /** Whether the trigger takes any method. */
  readonly anyMethod: boolean;
  readonly rawQuery: string;
  readonly query: Values;
  /** Names in lower case. */
  readonly headers: Values;
  readonly params: Readonly<Record<string, string>>;
  readonly sourceIp: string;
  /** ms since 1970 */
  readonly time: number;
  readonly body: string | undefined;
  readonly isBase64Encoded: boolean;
}

// API Gateway passes on as text what it takes for text.
const TEXT_TYPE = /^(text\/|application\/([^;]*\+)?(json|xml|javascript|x-www-form-urlencoded)\b)/i;

/**
 * A request as it came by HTTP. Another source has none, so it is a POST of its body to the handler's path, whose query
 * is what `event.query` of the mesh's own event is: the fields of the JSON object that was sent.
 */
export function gatewayRequest(asked: Asked): GatewayRequest {
  const { envelope, path, now, http } = asked;
  const { meta } = envelope;
  const method = meta.method ?? 'POST';
  const received = meta.path ?? `/${path}`;
  const trigger = matchedTrigger({ method, path: received }, path, http);
  const query = meta.query === undefined ? fieldsOf(asked) : parseQuery(meta.query);
  return {
    id: envelope.id,
    method,
    path: received,
    resource: trigger?.path ?? `/${path}`,
    anyMethod: trigger?.method === undefined,
    rawQuery: meta.query ?? rawQueryOf(query),
    query,
    headers: headersOf(asked),
    params: meta.params ?? {},
    sourceIp: addressIn(meta.caller),
    time: now,
    ...bodyOf(asked),
  };
}

function headersOf({ envelope: { meta, contentType } }: Asked): Values {
  const headers: Values = { ...meta.headers };
  if (contentType !== undefined) headers['content-type'] ??= contentType;
  headers.host ??= 'localhost';
  return headers;
}

/** Text as it is, by its type and its bytes; anything else as base64. */
export function bodyOf({ raw, envelope: { contentType } }: Asked): {
  body: string | undefined;
  isBase64Encoded: boolean;
} {
  if (raw.length === 0) return { body: undefined, isBase64Encoded: false };
  const bytes = Buffer.from(raw.buffer, raw.byteOffset, raw.byteLength);
  const isText = (contentType === undefined || TEXT_TYPE.test(contentType)) && isUtf8(raw);
  return { body: bytes.toString(isText ? 'utf8' : 'base64'), isBase64Encoded: !isText };
}

function fieldsOf({ envelope: { meta, contentType }, raw }: Asked): Values {
  const fields: Values = emptyRecord();
  const body = meta.source === 'http' ? undefined : tryDecode(raw, contentType);
  if (typeof body !== 'object' || body === null || Array.isArray(body) || ArrayBuffer.isView(body))
    return fields;
  for (const [name, value] of Object.entries(body)) {
    if (Array.isArray(value) && value.every(isScalar)) fields[name] = value.map(String);
    else if (isScalar(value)) fields[name] = String(value);
  }
  return fields;
}

const isScalar = (value: unknown): value is string | number | boolean =>
  typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean';

/** A gateway passes on what it cannot read. */
function tryDecode(raw: Uint8Array, contentType: string | undefined): unknown {
  try {
    const body = decodeBody(raw, contentType);
    return body instanceof Promise ? undefined : body;
  } catch {
    return undefined;
  }
}

function rawQueryOf(query: Values): string {
  const pairs = new URLSearchParams();
  for (const [name, value] of Object.entries(query))
    for (const one of [value].flat()) pairs.append(name, one);
  return pairs.toString();
}

/** The mesh keeps the network of a caller, not its address (ADR 80): `198.51.100.0/24` gives `198.51.100.0`. */
const addressIn = (caller: string | undefined): string => caller?.split('/')[0] ?? '127.0.0.1';

/** `12/Mar/2020:19:03:58 +0000` */
export function requestTime(ms: number): string {
  // RFC 7231's form, in which the parts have the same names: `Thu, 12 Mar 2020 19:03:58 GMT`.
  const [, day, month, year, time] = new Date(ms).toUTCString().split(' ');
  return `${day}/${month}/${year}:${time} +0000`;
}

/** The first label of a host, and the host, without port. */
export function domainOf(host: string | string[] | undefined): { domainName: string; domainPrefix: string } {
  const domainName = String(host ?? 'localhost').replace(/:\d+$/, '');
  return { domainName, domainPrefix: domainName.split('.')[0] as string };
}
