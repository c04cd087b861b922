import {
  type CloudEventAttributes,
  type EventEnvelope,
  type EventMeta,
  MAX_TIMEOUT_MS,
  type OutcomeCode,
  type ResultEnvelope,
} from './envelope.js';
import { ERRORS, isErrorCode, MeshError } from './errors.js';
import { readEventMeta, readResultMeta } from './meta.js';

/*
 * Envelope ⇄ NATS headers (ADR-4 of NATS): `NATS/1.0 CRLF (name: value CRLF)* CRLF`.
 * Names are written in lower case and read in any. A header that equals its default is left out, because each
 * one costs about as much as a tenth of a whole request.
 */

/** Decoded headers, names in lower case, first value of each. No prototype, so that no name is special. */
export type HeaderMap = Record<string, string>;

const FIRST_LINE = 'NATS/1.0';
const CRLF = '\r\n';
// What would end a header early, or be read differently by another client.
const FORBIDDEN_IN_VALUE = /[\r\n\0]/;
const NON_ASCII = /[^\x20-\x7e]/g;
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
/** Value of `mesh-log`. Its answer is a header of the result, `mesh-log-tail`. */
const LOG_TAIL = 'tail';
const FAILED_TEXT = 'failed: The handler said no.';

/** @throws MeshError `internal` if a value would break out of its line: a defect of the caller. */
export function encodeHeaders(headers: Readonly<HeaderMap>): Uint8Array {
  let lines = '';
  for (const name in headers) lines += line(name, headers[name] as string);
  return block(lines);
}

/** @throws MeshError `internal` */
function line(name: string, value: string): string {
  if (FORBIDDEN_IN_VALUE.test(value))
    throw new MeshError('internal', undefined, { cause: new Error(`control character in header ${name}`) });
  return `${CRLF}${name}: ${value}`;
}

const block = (lines: string): Uint8Array => Buffer.from(`${FIRST_LINE}${lines}${CRLF}${CRLF}`);

/** Reads a header block; an empty one has no headers. Lines without a colon are passed over. */
export function decodeHeaders(block: Uint8Array): HeaderMap {
  const headers: HeaderMap = Object.create(null);
  const text = textOf(block);
  let start = text.indexOf(CRLF) + 2;
  while (start > 1 && start < text.length) {
    const end = text.indexOf(CRLF, start);
    const stop = end < 0 ? text.length : end;
    const colon = text.indexOf(':', start);
    if (colon > start && colon < stop)
      headers[nameAt(text, start, colon)] ??= text.slice(colon + 1, stop).trim();
    start = stop + 2;
  }
  return headers;
}

/** Without a view of its own where there is one already: making one costs as much as reading a header. */
function textOf(bytes: Uint8Array): string {
  const known = Buffer.isBuffer(bytes);
  return (known ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)).toString();
}

/** What most messages have. A name that is cut out of the text has to be hashed and looked up before it can be a key. */
const USUAL_NAMES = ['mesh-id', 'mesh-meta', 'mesh-status', 'mesh-version', 'content-type'];

function nameAt(text: string, start: number, colon: number): string {
  for (const name of USUAL_NAMES)
    if (name.length === colon - start && text.startsWith(name, start)) return name;
  return text.slice(start, colon).toLowerCase();
}

/** The status of a header block's first line (`NATS/1.0 503` gives 503), or 0 where there is none. */
export function statusOf(block: Uint8Array): number {
  // 'N' 'A' 'T' 'S' '/' '1' '.' '0' ' ' d d d
  if (block.length < 12 || block[8] !== 0x20) return 0;
  const status = ((block[9] ?? 0) - 48) * 100 + ((block[10] ?? 0) - 48) * 10 + ((block[11] ?? 0) - 48);
  return status >= 100 && status <= 999 ? status : 0;
}

/** An event as headers of `mesh.call`: at most four for a usual request. */
export function encodeEvent(event: EventEnvelope): Uint8Array {
  let lines = line('mesh-id', event.id);
  if (event.version !== undefined) lines += line('mesh-version', event.version);
  if (event.sticky !== undefined) lines += line('mesh-sticky', encodeAttribute(event.sticky));
  if (event.timeout !== undefined) lines += line('mesh-timeout', String(Math.ceil(event.timeout)));
  if (event.contentType !== undefined)
    lines += line('ce-datacontenttype', encodeAttribute(event.contentType));
  if (event.traceparent !== undefined) lines += line('traceparent', event.traceparent);
  if (event.logTail) lines += line('mesh-log', LOG_TAIL);
  if (event.cloudEvent) lines += cloudEventLines(event.cloudEvent);
  return block(lines + line('mesh-meta', asciiJson(event.meta)));
}

function cloudEventLines(attributes: CloudEventAttributes): string {
  const given = Object.entries(attributes).filter(([, value]) => value !== undefined);
  return given.map(([name, value]) => line(`ce-${name}`, encodeAttribute(value as string))).join('');
}

/** Whether the caller wants the run's last lines of log. */
export const wantsLogTail = (headers: Readonly<HeaderMap>): boolean => headers['mesh-log'] === LOG_TAIL;

/** What decides where an event goes, cheap to read: the rest may be decoded in another thread. */
export interface EventRouting {
  readonly id: string;
  readonly version?: string;
  readonly sticky?: string;
  readonly timeout?: number;
}

/** All of an event that does not decide where it goes. */
export type EventDetails = Omit<EventEnvelope, keyof EventRouting>;

/**
 * @param mint makes the id of an event that brings none
 * @throws MeshError `bad-event` naming the faulty header
 */
export function decodeRouting(headers: Readonly<HeaderMap>, mint: () => string): EventRouting {
  const timeout = headers['mesh-timeout'];
  const version = headers['mesh-version'];
  const sticky = headers['mesh-sticky'];
  return {
    id: readId(headers['mesh-id']) ?? mint(),
    ...(version === undefined ? undefined : { version }),
    ...(sticky === undefined ? undefined : { sticky: decodeAttribute(sticky) }),
    ...(timeout === undefined ? undefined : { timeout: readTimeout(timeout) }),
  };
}

/**
 * Reads the headers of an event; no header at all is a valid call from a plain NATS client.
 * @param mint makes the id of an event that brings none
 * @throws MeshError `bad-event` naming the faulty header
 */
export function decodeEvent(headers: Readonly<HeaderMap>, mint: () => string): EventEnvelope {
  return { ...decodeRouting(headers, mint), ...decodeDetails(headers) };
}

/**
 * What {@link decodeRouting} leaves: decoded where the handler runs.
 * @throws MeshError `bad-event` naming the faulty header
 */
export function decodeDetails(headers: Readonly<HeaderMap>): EventDetails {
  const contentType = headers['ce-datacontenttype'] ?? headers['content-type'];
  const cloudEvent = readCloudEvent(headers);
  return {
    meta: readMeta(headers['mesh-meta']),
    ...(contentType === undefined ? undefined : { contentType: decodeAttribute(contentType) }),
    ...(cloudEvent === undefined ? undefined : { cloudEvent }),
    ...(headers.traceparent === undefined ? undefined : { traceparent: headers.traceparent }),
  };
}

function readId(id: string | undefined): string | undefined {
  if (id !== undefined && !UUID.test(id)) throw badHeader('mesh-id', 'must be a UUID in lower case');
  return id;
}

function readTimeout(text: string): number {
  const ms = Number(text);
  if (!Number.isInteger(ms) || ms < 1)
    throw badHeader('mesh-timeout', 'must be a whole number of milliseconds, 1 or more');
  return Math.min(ms, MAX_TIMEOUT_MS);
}

function readMeta(text: string | undefined): EventMeta {
  return text === undefined ? { source: 'nats' } : readEventMeta(text, badMeta);
}

const CLOUD_EVENT_HEADERS = (['id', 'source', 'type', 'subject', 'time'] as const).map(
  (name) => [name, `ce-${name}`] as const,
);

function readCloudEvent(headers: Readonly<HeaderMap>): CloudEventAttributes | undefined {
  let found: Record<string, string> | undefined;
  for (const [name, header] of CLOUD_EVENT_HEADERS) {
    const value = headers[header];
    if (value !== undefined) {
      found ??= {};
      found[name] = decodeAttribute(value);
    }
  }
  return found;
}

/** A result as headers of the reply. `Nats-Service-Error` (ADR-32 of NATS) is there exactly when it is not `ok`. */
export function encodeResult(result: ResultEnvelope): Uint8Array {
  const { contentType, status, version, id, meta, outcome } = result;
  let lines = contentType === undefined ? '' : line('content-type', contentType);
  lines += line('mesh-status', String(status));
  if (version !== undefined) lines += line('mesh-version', version);
  lines += line('mesh-id', id);
  if (meta !== undefined) lines += line('mesh-meta', asciiJson(meta));
  if (outcome !== 'ok') {
    lines += line('Nats-Service-Error', outcomeText(outcome));
    lines += line('Nats-Service-Error-Code', String(status));
  }
  return block(lines);
}

function outcomeText(outcome: Exclude<OutcomeCode, 'ok'>): string {
  return outcome === 'failed' ? FAILED_TEXT : `${outcome}: ${ERRORS[outcome].title}`;
}

/** @throws MeshError `internal` when an executor answers something that is no result. */
export function decodeResult(headers: Readonly<HeaderMap>): ResultEnvelope {
  const status = Number(headers['mesh-status']);
  if (!Number.isInteger(status) || status < 100 || status > 599) throw badReply('mesh-status');
  const contentType = headers['content-type'];
  const version = headers['mesh-version'];
  const meta = headers['mesh-meta'];
  return {
    id: headers['mesh-id'] ?? '',
    outcome: readOutcome(headers['nats-service-error']),
    status,
    ...(version === undefined ? undefined : { version }),
    ...(contentType === undefined ? undefined : { contentType }),
    ...(meta === undefined ? undefined : { meta: readResultMeta(meta, badReplyMeta) }),
  };
}

function readOutcome(text: string | undefined): OutcomeCode {
  if (text === undefined) return 'ok';
  const colon = text.indexOf(':');
  const code = colon < 0 ? text : text.slice(0, colon);
  if (isErrorCode(code)) return code;
  return code === 'failed' ? 'failed' : 'internal';
}

/** JSON with everything outside printable ASCII escaped: the same bytes whatever a client thinks of UTF-8. */
export function asciiJson(value: unknown): string {
  const json = JSON.stringify(value);
  return json.replace(NON_ASCII, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

/** CloudEvents HTTP binding, clause 3.1.3.2: space, `"`, `%` and what is not printable ASCII, percent-encoded. */
export function encodeAttribute(value: string): string {
  return value.replace(/[^\x21\x23\x24\x26-\x7e]+/g, encodeUriSafely);
}

function encodeUriSafely(text: string): string {
  // A lone surrogate makes encodeURIComponent throw; toWellFormed replaces it with U+FFFD first.
  return encodeURIComponent(text.toWellFormed());
}

/** What {@link encodeAttribute} made; a faulty encoding stays as it is. */
export function decodeAttribute(value: string): string {
  if (!value.includes('%')) return value;
  try {
    return decodeURIComponent(value);
  } catch {
    return value;
  }
}

const badHeader = (name: string, why: string) => new MeshError('bad-event', `Header ${name}: ${why}.`);
const badMeta = (field: string, must: string) => badHeader('mesh-meta', `${field} ${must}`);
const badReplyMeta = () => badReply('mesh-meta');
const badReply = (name: string) =>
  new MeshError('internal', undefined, { cause: new Error(`an executor's reply has a bad ${name}`) });
