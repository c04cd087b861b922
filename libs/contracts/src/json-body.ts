import { isUtf8 } from 'node:buffer';
import { MeshError } from './errors.js';

/* JSON that somebody sent, by one rule for who decodes it and for who accepts it to be decoded later. */

/** Deeper JSON is refused: it overflows the stack of whoever walks it by recursion. */
export const MAX_JSON_DEPTH = 200;

// `"__proto__"`, also with letters written as \u escapes.
const PROTO_KEY =
  /"(?:_|\\u005f)(?:_|\\u005f)(?:p|\\u0070)(?:r|\\u0072)(?:o|\\u006f)(?:t|\\u0074)(?:o|\\u006f)(?:_|\\u005f)(?:_|\\u005f)"\s*:/i;

/** Bytes as text if they are UTF-8. A byte order mark is no part of the text. */
export function utf8(bytes: Uint8Array): string | undefined {
  if (!isUtf8(bytes)) return undefined;
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString();
  return text.charCodeAt(0) === 0xfeff ? text.slice(1) : text;
}

/** @throws MeshError `bad-body` with a short reason that quotes nothing of the body */
export function parseJsonBody(bytes: Uint8Array): unknown {
  const text = utf8(bytes);
  if (text === undefined) throw new MeshError('bad-body', 'The body is not UTF-8, which JSON must be.');
  const parsed = tryJson(text, bytes);
  if (!parsed) throw new MeshError('bad-body', 'The body is not valid JSON.');
  return parsed.value;
}

/**
 * Parses JSON, or gives `undefined` when it is none.
 * @throws MeshError `bad-body` for JSON nested deeper than {@link MAX_JSON_DEPTH}
 */
export function tryJson(text: string, bytes: Uint8Array): { value: unknown } | undefined {
  let value: unknown;
  try {
    // V8's parser does not recurse, so depth may be looked at afterwards.
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (tooDeep(bytes)) throw new MeshError('bad-body', `JSON is nested deeper than ${MAX_JSON_DEPTH}.`);
  if (PROTO_KEY.test(text)) dropProtoKeys(value);
  return { value };
}

const [QUOTE, BACKSLASH, OPEN, CLOSE, OPEN_LIST, CLOSE_LIST] = [0x22, 0x5c, 0x7b, 0x7d, 0x5b, 0x5d];

/** Of valid JSON: whether its arrays and objects nest too deep. Short bodies cannot, and are not scanned. */
export function tooDeep(bytes: Uint8Array): boolean {
  if (bytes.length <= 2 * MAX_JSON_DEPTH) return false;
  let depth = 0;
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at];
    if (byte === QUOTE) at = endOfString(bytes, at);
    else if (byte === OPEN || byte === OPEN_LIST) {
      if (++depth > MAX_JSON_DEPTH) return true;
    } else if (byte === CLOSE || byte === CLOSE_LIST) depth--;
  }
  return false;
}

function endOfString(bytes: Uint8Array, start: number): number {
  let at = start + 1;
  while (at < bytes.length && bytes[at] !== QUOTE) at += bytes[at] === BACKSLASH ? 2 : 1;
  return at;
}

/**
 * JSON.parse makes `__proto__` an own property; a handler that then copies the object by assignment would change a
 * prototype. Dropped, because no honest caller sends it; the bytes still have it. Depth is bounded by now.
 */
function dropProtoKeys(value: unknown): void {
  if (typeof value !== 'object' || value === null) return;
  Reflect.deleteProperty(value, '__proto__');
  for (const inner of Object.values(value)) dropProtoKeys(inner);
}
