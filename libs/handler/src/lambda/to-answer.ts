import { utf8 } from '../../../contracts/src/json-body.js';
import { kindOf } from '../decode-body.js';
import { parseMediaType } from '../media-type.js';
import type { Outcome } from '../outcome.js';

/*
 * An outcome in the form that whoever sent the event understands. API Gateway takes text, or base64 and
 * `isBase64Encoded`; who invoked with a payload of his own gets the value.
 */

/** An answer in API Gateway's payload 2.0. */
export interface HttpV2Answer {
  readonly statusCode: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly cookies?: readonly string[];
  readonly body: string;
  readonly isBase64Encoded: boolean;
}

export function toHttpV2(outcome: Outcome): HttpV2Answer {
  const { headers, lists } = headersOf(outcome);
  const joined = Object.fromEntries(Object.entries(lists).map(([name, values]) => [name, values.join(', ')]));
  const { cookies = [] } = outcome.meta ?? {};
  return {
    statusCode: outcome.status,
    headers: { ...headers, ...joined },
    ...(cookies.length > 0 ? { cookies } : {}),
    ...bodyOf(outcome),
  };
}

export function toHttpV1(outcome: Outcome): object {
  const { headers, lists } = headersOf(outcome);
  const { cookies = [] } = outcome.meta ?? {};
  const several = { ...lists, ...(cookies.length > 0 ? { 'set-cookie': cookies } : {}) };
  return {
    statusCode: outcome.status,
    headers,
    ...(Object.keys(several).length > 0 ? { multiValueHeaders: several } : {}),
    ...bodyOf(outcome),
  };
}

/** As the mesh answers Lambda's API: JSON and bytes as they are, text as a JSON string, nothing as `null`. */
export function toPayload(outcome: Outcome): Uint8Array {
  const { body, contentType } = outcome;
  const isItself = body.length > 0 && (kindOfType(contentType) === 'json' || !isText(contentType));
  return isItself ? body : Buffer.from(toValue(outcome));
}

/**
 * JSON text, whatever the body: JSON as it is, text as a string, bytes as a base64 string, nothing as `null`. What its
 * author calls JSON and is none is text: it stands within other JSON.
 */
export function toValue({ body, contentType }: Outcome): string {
  if (body.length === 0) return 'null';
  const text = utf8(body);
  if (text === undefined) return JSON.stringify(Buffer.from(body).toString('base64'));
  if (kindOfType(contentType) === 'json' && isJson(text)) return text;
  return isText(contentType) ? JSON.stringify(text) : JSON.stringify(Buffer.from(body).toString('base64'));
}

function headersOf({ contentType, meta }: Outcome) {
  const headers: Record<string, string> = contentType === undefined ? {} : { 'content-type': contentType };
  const lists: Record<string, readonly string[]> = {};
  for (const [name, value] of Object.entries(meta?.headers ?? {}))
    if (typeof value === 'string') headers[name] = value;
    else lists[name] = value;
  return { headers, lists };
}

function bodyOf({ body, contentType }: Outcome): { body: string; isBase64Encoded: boolean } {
  const text = body.length === 0 || isText(contentType) ? utf8(body) : undefined;
  if (text !== undefined) return { body: text, isBase64Encoded: false };
  return { body: Buffer.from(body).toString('base64'), isBase64Encoded: true };
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

const isText = (contentType: string | undefined): boolean => kindOfType(contentType) !== 'bytes';

function kindOfType(contentType: string | undefined) {
  try {
    return contentType === undefined ? 'bytes' : kindOf(parseMediaType(contentType));
  } catch {
    // A handler may state a type of its own making.
    return 'bytes';
  }
}
