import { type EventMeta, type ResultMeta, SOURCES, type Source } from './envelope.js';
import type { MeshError } from './errors.js';
import { isJsonValue, MAX_DEPTH } from './json.js';

/*
 * Readers of `mesh-meta`. By hand and not by a schema, of which there is none beside them: this is done for each request,
 * and where handlers run a library of schemas was nine tenths of what a new worker had to load.
 */

/** Makes the error of a field that is not what it must be. */
export type Refuse = (field: string, must: string) => MeshError;

const MAX_CALLER = 200;
const MAX_METHOD = 32;

/** What is not known is left out. @throws what `refuse` makes */
export function readEventMeta(json: string, refuse: Refuse): EventMeta {
  const { source, caller, method, path, query, headers, params, attributes } = objectIn(json, refuse);
  const meta: EventMeta = { source: sourceOf(source, refuse) };
  if (caller !== undefined) meta.caller = textOf('caller', caller, MAX_CALLER, refuse);
  if (method !== undefined) meta.method = textOf('method', method, MAX_METHOD, refuse);
  if (path !== undefined) meta.path = textOf('path', path, Number.POSITIVE_INFINITY, refuse);
  if (query !== undefined) meta.query = textOf('query', query, Number.POSITIVE_INFINITY, refuse);
  if (headers !== undefined) meta.headers = recordOf('headers', headers, isTextOrTexts, TEXTS, refuse);
  if (params !== undefined) meta.params = recordOf('params', params, isText, TEXT, refuse);
  if (attributes !== undefined)
    meta.attributes = recordOf('attributes', attributes, isJsonValue, JSON_VALUE, refuse);
  return meta;
}

/** What is not known is left out. @throws what `refuse` makes */
export function readResultMeta(json: string, refuse: Refuse): ResultMeta {
  const { headers, cookies } = objectIn(json, refuse);
  const meta: ResultMeta = {};
  if (headers !== undefined) meta.headers = recordOf('headers', headers, isTextOrTexts, TEXTS, refuse);
  if (cookies !== undefined) {
    if (!isTexts(cookies)) throw refuse('cookies', 'must be a list of texts');
    meta.cookies = cookies;
  }
  return meta;
}

const TEXT = 'must be text';
const TEXTS = 'must be text or a list of texts';
const JSON_VALUE = `must be JSON, nested at most ${MAX_DEPTH} deep`;

const isText = (value: unknown): value is string => typeof value === 'string';
const isTexts = (value: unknown): value is string[] => Array.isArray(value) && value.every(isText);
const isTextOrTexts = (value: unknown): value is string | string[] => isText(value) || isTexts(value);

function objectIn(json: string, refuse: Refuse): Record<string, unknown> {
  const value = parse(json);
  if (!isObject(value)) throw refuse('it', 'must be a JSON object');
  return value;
}

function parse(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return undefined;
  }
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function sourceOf(value: unknown, refuse: Refuse): Source {
  if (value === undefined) return 'nats';
  if (!SOURCES.includes(value as Source)) throw refuse('source', `must be one of ${SOURCES.join(', ')}`);
  return value as Source;
}

function textOf(field: string, value: unknown, maxLength: number, refuse: Refuse): string {
  if (!isText(value)) throw refuse(field, TEXT);
  if (value.length > maxLength) throw refuse(field, `has at most ${maxLength} characters`);
  return value;
}

function recordOf<T>(
  field: string,
  value: unknown,
  isRight: (value: unknown) => value is T,
  must: string,
  refuse: Refuse,
): Record<string, T> {
  if (!isObject(value)) throw refuse(field, 'must be an object');
  for (const name in value) if (!isRight(value[name])) throw refuse(`${field}.${name}`, must);
  return value as Record<string, T>;
}
