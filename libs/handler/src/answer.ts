import { types } from 'node:util';
import { MeshError } from '../../contracts/src/errors.js';
import { checkHeaders } from './answer-headers.js';
import type { HttpAnswer } from './author-types.js';
import type { Outcome } from './outcome.js';

/** What a handler stated by `context(…)`. */
export interface Statement {
  readonly outcome: 'OK' | 'FAIL';
  readonly body: unknown;
  readonly status: unknown;
  readonly headers: unknown;
}

const NOTHING = new Uint8Array(0);
const TEXT = 'text/plain; charset=utf-8';
const JSON_TYPE = 'application/json';
const BINARY = 'application/octet-stream';
const BASE64 = /^[A-Za-z0-9+/]*={0,2}$/;

interface Encoded {
  readonly body: Uint8Array;
  readonly contentType?: string;
}

/** The outcome of a returned value: OK, whatever it is. @throws MeshError `bad-answer` if it cannot be sent */
export function encodeReturned(value: unknown): Outcome {
  if (isHttpAnswer(value)) return encodeHttpAnswer(value);
  return { outcome: 'ok', status: value === undefined ? 204 : 200, ...encodeBody(value) };
}

/** The outcome that `context(…)` stated. @throws MeshError `bad-answer` if it cannot be sent */
export function encodeStatement({ outcome, body, status, headers }: Statement): Outcome {
  const code = outcome === 'OK' ? 'ok' : 'failed';
  const chosen = status ?? (code === 'failed' ? 400 : body === undefined ? 204 : 200);
  return {
    outcome: code,
    status: checkStatus(chosen, code === 'failed' ? 400 : 200),
    ...encodeBody(body),
    ...checkHeaders(headers),
  };
}

const isHttpAnswer = (value: unknown): value is HttpAnswer =>
  typeof value === 'object' && value !== null && typeof (value as HttpAnswer).statusCode === 'number';

function encodeHttpAnswer(answer: HttpAnswer): Outcome {
  const { statusCode, headers, cookies, body, isBase64Encoded } = answer;
  return {
    outcome: 'ok',
    status: checkStatus(statusCode, 200),
    ...(isBase64Encoded === true ? decodeBase64(body) : encodeBody(body)),
    ...checkHeaders(headers ?? undefined, cookies ?? undefined),
  };
}

function checkStatus(status: unknown, lowest: number): number {
  if (!Number.isInteger(status) || (status as number) < lowest || (status as number) > 599)
    throw new MeshError('bad-answer', `Its status must be a whole number from ${lowest} to 599.`);
  return status as number;
}

function decodeBase64(body: unknown): Encoded {
  if (body === undefined || body === null || body === '') return { body: NOTHING };
  if (typeof body !== 'string' || !BASE64.test(body))
    throw new MeshError('bad-answer', 'It says isBase64Encoded, yet its body is not base64.');
  return { body: Buffer.from(body, 'base64'), contentType: BINARY };
}

/** Text as it is, bytes as they are, nothing as nothing, anything else as JSON. */
export function encodeBody(value: unknown): Encoded {
  if (value === undefined) return { body: NOTHING };
  if (typeof value === 'string') return { body: Buffer.from(value), contentType: TEXT };
  if (ArrayBuffer.isView(value))
    return { body: new Uint8Array(value.buffer, value.byteOffset, value.byteLength), contentType: BINARY };
  if (types.isAnyArrayBuffer(value)) return { body: new Uint8Array(value), contentType: BINARY };
  if (typeof value === 'object' && value !== null) refuseUnsendable(value);
  return { body: Buffer.from(toJson(value)), contentType: JSON_TYPE };
}

/** What JSON would turn into `{}` without a word. */
function refuseUnsendable(value: object): void {
  if (value instanceof Error) throw new MeshError('bad-answer', 'It is an error: throw it instead.');
  const candidate = value as { pipe?: unknown; getReader?: unknown; [Symbol.asyncIterator]?: unknown };
  if (
    typeof candidate[Symbol.asyncIterator] === 'function' ||
    typeof candidate.pipe === 'function' ||
    typeof candidate.getReader === 'function' ||
    value instanceof Response ||
    value instanceof Blob
  )
    throw new MeshError('bad-answer', 'Streams are not supported yet.');
}

function toJson(value: unknown): string {
  let json: string | undefined;
  try {
    json = JSON.stringify(value);
  } catch (cause) {
    throw new MeshError('bad-answer', whyNoJson(cause), { cause });
  }
  if (json === undefined)
    throw new MeshError('bad-answer', `There is no JSON for its type: ${typeof value}.`);
  return json;
}

/** Says it in the mesh's words: the engine's text names the handler's own fields. */
function whyNoJson(cause: unknown): string {
  if (cause instanceof RangeError)
    return /call stack/i.test(cause.message)
      ? 'It is nested too deep for JSON.'
      : 'It is too large for JSON.';
  if (!(cause instanceof TypeError)) return 'It threw while being turned into JSON.';
  if (/circular/i.test(cause.message)) return 'It refers to itself.';
  return /BigInt/.test(cause.message) ? 'A BigInt has no JSON.' : 'It threw while being turned into JSON.';
}
