import { MeshError } from '../../contracts/src/errors.js';
import { checkHeaders } from './answer-headers.js';
import { AnswerStream } from './answer-stream.js';
import type { HttpAnswer } from './author-types.js';
import { BINARY, type Encoded, encodeBody, NOTHING } from './encode-body.js';
import type { Outcome } from './outcome.js';

/** What a handler stated by `context(…)`. */
export interface Statement {
  readonly outcome: 'OK' | 'FAIL';
  readonly body: unknown;
  readonly status: unknown;
  readonly headers: unknown;
}

const BASE64 = /^[A-Za-z0-9+/]*={0,2}$/;

/** The outcome of what a handler answered; a stream in it is not yet begun, see `openAnswer`. */
export type Answer = Outcome & { readonly rest?: AnswerStream };

/** The outcome of a returned value: OK, whatever it is. @throws MeshError `bad-answer` if it cannot be sent */
export function encodeReturned(value: unknown): Answer {
  if (isHttpAnswer(value)) return encodeHttpAnswer(value);
  return { outcome: 'ok', status: value === undefined ? 204 : 200, ...encodeBody(value, inPieces) };
}

/** The outcome that `context(…)` stated. @throws MeshError `bad-answer` if it cannot be sent */
export function encodeStatement({ outcome, body, status, headers }: Statement): Answer {
  const code = outcome === 'OK' ? 'ok' : 'failed';
  const chosen = status ?? (code === 'failed' ? 400 : body === undefined ? 204 : 200);
  return {
    outcome: code,
    status: checkStatus(chosen, code === 'failed' ? 400 : 200),
    ...encodeBody(body, inPieces),
    ...checkHeaders(headers),
  };
}

const isHttpAnswer = (value: unknown): value is HttpAnswer =>
  typeof value === 'object' && value !== null && typeof (value as HttpAnswer).statusCode === 'number';

function encodeHttpAnswer(answer: HttpAnswer): Answer {
  const { statusCode, headers, cookies, body, isBase64Encoded } = answer;
  return {
    outcome: 'ok',
    status: checkStatus(statusCode, 200),
    ...(isBase64Encoded === true ? decodeBase64(body) : encodeBody(body, inPieces)),
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

/** A Blob may know its type; of other streams the first piece says it. */
const inPieces = (value: object) => ({
  body: NOTHING,
  rest: new AnswerStream(value),
  ...(value instanceof Blob && value.type !== '' ? { contentType: value.type } : undefined),
});
