import { types } from 'node:util';
import { MeshError } from '../../contracts/src/errors.js';
import { isStream } from './stream-source.js';

export const NOTHING = new Uint8Array(0);
export const BINARY = 'application/octet-stream';
const TEXT = 'text/plain; charset=utf-8';
const JSON_TYPE = 'application/json';
/** https://github.com/ndjson/ndjson-spec */
const NDJSON = 'application/x-ndjson';

export interface Encoded {
  readonly body: Uint8Array;
  readonly contentType?: string;
}

/**
 * Text as it is, bytes as they are, nothing as nothing, anything else as JSON.
 * @param stream what to do with what comes in pieces
 * @throws MeshError `bad-answer` for what cannot be sent
 */
export function encodeBody<Stream = never>(
  value: unknown,
  stream: (value: object) => Stream = refuse,
): Encoded | Stream {
  if (value === undefined) return { body: NOTHING };
  if (typeof value === 'string') return { body: Buffer.from(value), contentType: TEXT };
  const bytes = bytesOf(value);
  if (bytes) return { body: bytes, contentType: BINARY };
  if (typeof value === 'object' && value !== null) {
    if (isStream(value)) return stream(value);
    refuseUnsendable(value);
  }
  return { body: Buffer.from(toJson(value)), contentType: JSON_TYPE };
}

/**
 * One piece of a stream: as a body is, but what becomes JSON is a line of its own.
 * @throws MeshError `bad-answer`
 */
export function encodePiece(value: unknown): Required<Encoded> {
  if (typeof value === 'string') return { body: Buffer.from(value), contentType: TEXT };
  const bytes = bytesOf(value);
  if (bytes) return { body: bytes, contentType: BINARY };
  if (typeof value === 'object' && value !== null) {
    if (isStream(value)) refuse();
    refuseUnsendable(value);
  }
  return { body: Buffer.from(`${toJson(value)}\n`), contentType: NDJSON };
}

function bytesOf(value: unknown): Uint8Array | undefined {
  if (ArrayBuffer.isView(value)) return new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
  return types.isAnyArrayBuffer(value) ? new Uint8Array(value) : undefined;
}

function refuse(): never {
  throw new MeshError('bad-answer', 'A stream can be a whole answer only, not a part of one.');
}

/** What JSON would turn into `{}` without a word. */
function refuseUnsendable(value: object): void {
  if (value instanceof Error) throw new MeshError('bad-answer', 'It is an error: throw it instead.');
  // By its tag: to name the class would load all of fetch, which takes longer than the start of a worker.
  if ((value as { [Symbol.toStringTag]?: unknown })[Symbol.toStringTag] === 'Response')
    throw new MeshError('bad-answer', 'It is a Response: return { statusCode, headers, body } instead.');
  if (typeof (value as { pipe?: unknown }).pipe === 'function')
    throw new MeshError('bad-answer', 'It is a stream of an old kind: wrap it by new Readable().wrap(…).');
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
