import {
  ERRORS,
  isErrorCode,
  LOG_TAIL_HEADER,
  type MeshError,
  type Problem,
  type ResultEnvelope,
} from '#contracts';
import type { CallReply } from '#fabric';
import type { HttpResponse } from '../from-result.js';
import { serviceErrorAnswer, translated } from './service-error.js';

/*
 * What a run ended with → Invoke's answer. The status is 200 whatever the function made of it; whether it failed stands
 * in `X-Amz-Function-Error`:
 *
 *   ok                          the payload
 *   the handler said FAIL       Handled, with the handler's own body
 *   it threw, ran out of time,  Unhandled, with { errorType, errorMessage, trace }
 *   crashed, could not load
 *   the mesh could not run it   no 200: an error of the service
 */

/** "Response payload size exceeded maximum allowed payload size (6291556 bytes)": 6 MiB and 100 B. */
export const MAX_ANSWER = 6 * 1024 * 1024 + 100;

const JSON_TYPE = /^application\/(?:[^;]*\+)?json\b/i;
const TEXT_TYPE = /^text\//i;
const NOTHING = Buffer.from('null');

/** Types of errors that a runtime or its sandbox has, in Lambda's words; what is not here is `Runtime.Unknown`. */
const ERROR_TYPES: Readonly<Record<string, string>> = {
  'answer-too-large': 'Function.ResponseSizeTooLarge',
  'bad-answer': 'Runtime.MarshalError',
  'deadline-exceeded': 'Sandbox.Timedout',
  'handler-error': 'Function.Unknown',
  'load-failed': 'Runtime.ImportModuleError',
  'load-timeout': 'Sandbox.Timedout',
  'no-handler': 'Runtime.HandlerNotFound',
  'worker-crashed': 'Runtime.ExitError',
};

export interface FunctionError {
  readonly errorType: string;
  readonly errorMessage: string;
  readonly trace: readonly string[];
}

/** Invoke's answer to a reply. */
export function fromReply({ result, body }: CallReply): HttpResponse {
  if (isErrorCode(result.outcome)) return fromProblem(result, body);
  const payload = payloadOf(result, body);
  if (payload.length > MAX_ANSWER) return tooLarge(result);
  return answerOf(result, payload, result.outcome === 'failed' ? 'Handled' : undefined);
}

/** Invoke's answer where no reply came. */
export function fromError(error: MeshError, requestId: string): HttpResponse {
  const refusal = translated(error);
  if (refusal) return serviceErrorAnswer(refusal, requestId);
  const result: ResultEnvelope = { id: requestId, outcome: error.code, status: error.status };
  return failed(result, functionError(error.code, requestId, error.detail));
}

function fromProblem(result: ResultEnvelope, body: Uint8Array): HttpResponse {
  const code = result.outcome as MeshError['code'];
  const said = parse(body);
  // What was thrown, as the runtime told it: no problem of the mesh.
  if (said && typeof said.errorType === 'string') return answerOf(result, body, 'Unhandled');
  const detail = (said as Partial<Problem> | undefined)?.detail;
  const retryAfter = result.meta?.headers?.['retry-after'];
  const fault = detail === undefined ? { code } : { code, detail };
  const refusal = translated(fault, typeof retryAfter === 'string' ? retryAfter : undefined);
  if (refusal) return serviceErrorAnswer(refusal, result.id);
  return failed(result, functionError(code, result.id, detail));
}

function functionError(code: MeshError['code'], id: string, detail: string | undefined): FunctionError {
  const { title } = ERRORS[code];
  return {
    errorType: ERROR_TYPES[code] ?? 'Runtime.Unknown',
    errorMessage: `RequestId: ${id} Error: ${title}${detail === undefined ? '' : ` ${detail}`}`,
    // Where in the code is for the operator's log, never for a caller.
    trace: [],
  };
}

/** What broke an answer off that had begun. */
export const describeBreak = ({ code, detail }: MeshError, id: string): FunctionError =>
  functionError(code, id, detail);

const failed = (result: ResultEnvelope, error: FunctionError): HttpResponse =>
  answerOf(result, Buffer.from(JSON.stringify(error)), 'Unhandled');

const tooLarge = (result: ResultEnvelope): HttpResponse =>
  failed(
    result,
    functionError('answer-too-large', result.id, `At most ${MAX_ANSWER} bytes are passed on by Invoke.`),
  );

/** A payload is JSON: text as a string of it, nothing as `null`. Bytes are passed on as they are. */
function payloadOf({ contentType = '' }: ResultEnvelope, body: Uint8Array): Uint8Array {
  if (body.length === 0) return NOTHING;
  if (JSON_TYPE.test(contentType) || !TEXT_TYPE.test(contentType)) return body;
  return Buffer.from(JSON.stringify(Buffer.from(body.buffer, body.byteOffset, body.length).toString()));
}

function answerOf(
  { id, version, meta }: ResultEnvelope,
  payload: Uint8Array,
  error: 'Handled' | 'Unhandled' | undefined,
): HttpResponse {
  const headers = ['content-type', 'application/json', 'content-length', String(payload.length)];
  headers.push('x-amzn-requestid', id, 'mesh-id', id);
  if (error !== undefined) headers.push('x-amz-function-error', error);
  if (version !== undefined) headers.push('x-amz-executed-version', version);
  const tail = meta?.headers?.[LOG_TAIL_HEADER];
  if (typeof tail === 'string') headers.push('x-amz-log-result', tail);
  return { status: 200, headers, body: payload };
}

function parse(body: Uint8Array): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(body.buffer, body.byteOffset, body.length).toString());
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}
