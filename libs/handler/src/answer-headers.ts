import { LOG_TAIL_HEADER, type ResultMeta } from '../../contracts/src/envelope.js';
import { MeshError } from '../../contracts/src/errors.js';

/** Headers of an answer, checked: what is here can be sent as it is. */
export interface CheckedHeaders {
  readonly contentType?: string;
  readonly meta?: ResultMeta;
}

const NAME = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
// RFC 9110, clause 5.5; what Node's own server takes.
const VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;
const ASCII = /^[\x20-\x7e]+$/;
/** Of one connection, not of an answer (RFC 9110, clause 7.6.1), or the mesh's to say. */
const DROPPED = new Set([
  'connection',
  'content-length',
  'keep-alive',
  LOG_TAIL_HEADER,
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);
/** Characters of all headers and cookies: they travel in one header of a message, whose room is 16 KiB. */
export const MAX_HEADERS_LENGTH = 12 * 1024;

/** @throws MeshError `bad-answer` naming the faulty header */
export function checkHeaders(headers: unknown, cookies?: unknown): CheckedHeaders {
  if (headers === undefined && cookies === undefined) return {};
  const checked = collect(headers ?? {});
  const contentType = checked['content-type'];
  delete checked['content-type'];
  const jar = cookies === undefined ? [] : valuesOf('cookies', cookies);
  if (typeof contentType === 'object' || (contentType !== undefined && !ASCII.test(contentType)))
    throw bad('content-type must be one value in ASCII');
  const meta = metaOf(checked, jar);
  return { ...(contentType === undefined ? {} : { contentType }), ...(meta ? { meta } : {}) };
}

function collect(headers: unknown): Record<string, string | string[]> {
  if (typeof headers !== 'object' || headers === null || Array.isArray(headers))
    throw bad('headers must be an object');
  const checked: Record<string, string | string[]> = Object.create(null);
  for (const [name, value] of Object.entries(headers)) {
    const lower = name.toLowerCase();
    if (!NAME.test(name)) throw bad('a header name is no token');
    if (value === undefined || DROPPED.has(lower)) continue;
    checked[lower] = Array.isArray(value) ? valuesOf(lower, value) : oneValue(lower, value);
  }
  return checked;
}

function valuesOf(name: string, values: unknown): string[] {
  if (!Array.isArray(values)) throw bad(`${name} must be an array of strings`);
  return values.map((value) => oneValue(name, value));
}

function oneValue(name: string, value: unknown): string {
  if (typeof value !== 'string' && typeof value !== 'number' && typeof value !== 'boolean')
    throw bad(`${name} must be a string`);
  const text = String(value);
  if (!VALUE.test(text)) throw bad(`${name} has a character that a header cannot carry`);
  return text;
}

function metaOf(headers: Record<string, string | string[]>, cookies: string[]): ResultMeta | undefined {
  const hasHeaders = Object.keys(headers).length > 0;
  if (!hasHeaders && cookies.length === 0) return undefined;
  const meta = { ...(hasHeaders ? { headers } : {}), ...(cookies.length > 0 ? { cookies } : {}) };
  if (JSON.stringify(meta).length > MAX_HEADERS_LENGTH)
    throw bad(`headers and cookies are longer than ${MAX_HEADERS_LENGTH} characters together`);
  return meta;
}

const bad = (why: string) => new MeshError('bad-answer', `Its ${why}.`);
