import { MeshError } from '../../contracts/src/errors.js';
import type { Values } from './author-types.js';

/*
 * `a=1&b=2&b=3`, which is both a query string and a URL-encoded form. Written out because URLSearchParams costs more
 * than the rest of an event together.
 */

/** A record without prototype, so that a caller may name a field `constructor` or `__proto__`. */
export const emptyRecord = <T>(): Record<string, T> => Object.create(null);

/** Adds a value; a name that comes again collects its values in an array. */
export function addValue<T>(record: Record<string, T | T[]>, name: string, value: T): void {
  const before = record[name];
  if (before === undefined) record[name] = value;
  else if (Array.isArray(before)) before.push(value);
  else record[name] = [before, value];
}

/** A query string without its `?`. What is not percent-encoded UTF-8 is read as URLSearchParams does: never refused. */
export const parseQuery = (text: string): Values => parsePairs(text, decodeLeniently);

/** A URL-encoded form. @throws MeshError `bad-body` for a faulty percent-encoding */
export const parseForm = (text: string): Values => parsePairs(text, decodeStrictly);

function parsePairs(text: string, decode: (part: string) => string): Values {
  const values: Values = emptyRecord();
  const read =
    text.includes('%') || text.includes('+') ? (part: string) => unquotePart(part, decode) : asItIs;
  let start = 0;
  while (start < text.length) {
    const ampersand = text.indexOf('&', start);
    const end = ampersand < 0 ? text.length : ampersand;
    const equals = text.indexOf('=', start);
    const nameEnd = equals < 0 || equals > end ? end : equals;
    if (end > start) addValue(values, read(text.slice(start, nameEnd)), read(text.slice(nameEnd + 1, end)));
    start = end + 1;
  }
  return values;
}

const asItIs = (part: string): string => part;

function unquotePart(part: string, decode: (part: string) => string): string {
  const text = part.replaceAll('+', ' ');
  return text.includes('%') ? decode(text) : text;
}

function decodeLeniently(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return new URLSearchParams(`v=${part}`).get('v') ?? '';
  }
}

function decodeStrictly(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    throw new MeshError('bad-body', 'The form is not percent-encoded UTF-8.');
  }
}
