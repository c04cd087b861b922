import { decodeDetails, MeshError } from '#contracts';
import { errorOutcome, type Outcome } from '#handler/runtime';
import type { RunMessage } from '../worker-protocol.js';

/*
 * What a program posts when a run did not go well. A handler's own no has no word in Lambda's API: it is the function
 * error `Function.Failed`, whose `errorMessage` is what the caller gets, with the status `statusCode` (400).
 */

export const FAILED_TYPE = 'Function.Failed';
/** What Lambda takes as the type of an error; anything else it calls unknown. */
const ERROR_TYPE = /^(Runtime|Function)\.[A-Z][a-zA-Z]+$/;
/** Of a stack trace, lines that the operator's log gets. */
const MOST_LINES = 50;

/**
 * The outcome of a run whose program reported an error. Who calls by Lambda's API is told type and message, as there; others
 * are told that there was one.
 * @param category the header `Lambda-Runtime-Function-Error-Type`
 */
export function reportedError(run: RunMessage, category: string | undefined, body: Uint8Array): Outcome {
  const [, , id, headers] = run;
  const type = errorType(category, 'Function.Unknown');
  const document = parse(body);
  if (type === FAILED_TYPE) return failed(document, body);
  const cause = thrown(type, document, body);
  const outcome = errorOutcome(new MeshError('handler-error'), id, cause);
  if (decodeDetails(headers).meta.source !== 'lambda') return outcome;
  const told = { errorType: cause.name, errorMessage: cause.message, trace: [] };
  return { ...outcome, contentType: 'application/json', body: Buffer.from(JSON.stringify(told)) };
}

/** Why a program could not begin. */
export function initError(category: string | undefined, body: Uint8Array): MeshError {
  const cause = thrown(errorType(category, 'Runtime.Unknown'), parse(body), body);
  return new MeshError(
    'load-failed',
    "Its bootstrap reported that it cannot begin; the executor's log has the error.",
    { cause },
  );
}

export const errorType = (category: string | undefined, unknown: string): string =>
  category !== undefined && ERROR_TYPE.test(category) ? category : unknown;

function failed(document: Record<string, unknown>, body: Uint8Array): Outcome {
  const { errorMessage, statusCode } = document;
  const own = typeof errorMessage === 'string' ? Buffer.from(errorMessage) : body;
  return {
    outcome: 'failed',
    status: isRefusal(statusCode) ? statusCode : 400,
    body: own,
    contentType: isJson(own) ? 'application/json' : 'text/plain; charset=utf-8',
  };
}

/** As an error that the operator's log can show. `stackTrace` is what most languages send, `trace` what Node does. */
function thrown(type: string, document: Record<string, unknown>, body: Uint8Array) {
  const { errorType: name, errorMessage, stackTrace, trace } = document;
  const lines = [stackTrace, trace].flat().filter((line) => typeof line === 'string');
  return {
    name: typeof name === 'string' && name !== '' ? name : type,
    message: typeof errorMessage === 'string' ? errorMessage : Buffer.from(body).toString('utf8', 0, 1_000),
    ...(lines.length > 0 ? { stack: lines.slice(0, MOST_LINES).join('\n') } : {}),
  };
}

function parse(body: Uint8Array): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(Buffer.from(body).toString());
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}

const isRefusal = (status: unknown): status is number =>
  Number.isInteger(status) && (status as number) >= 400 && (status as number) <= 599;

function isJson(body: Uint8Array): boolean {
  try {
    JSON.parse(Buffer.from(body).toString());
    return true;
  } catch {
    return false;
  }
}
