import type { OutcomeCode } from '../../contracts/src/envelope.js';
import { ERRORS, isErrorCode, isMeshError } from '../../contracts/src/errors.js';
import type { CallError, CallOptions } from './author-types.js';
import { decodeBody } from './decode-body.js';
import { encodeBody } from './encode-body.js';
import type { CallReply, Host } from './host.js';

/** Milliseconds until the deadline; never negative. */
export const remaining = (host: Host): number => Math.max(0, host.deadline - performance.now());

/** `context.call`: encodes the body, calls, decodes the answer. @throws CallError unless the answer is OK */
export async function callHandler<T>(
  host: Host,
  path: string,
  body?: unknown,
  options: CallOptions = {},
): Promise<T> {
  const left = Math.ceil(remaining(host));
  const timeout = Math.max(1, Math.min(options.timeout ?? left, left));
  const { version } = options;
  const request = { ...encodeBody(body), timeout, ...(version === undefined ? {} : { version }) };
  const reply = await host.call(path, request).catch((error: unknown) => {
    throw isMeshError(error) ? callError(path, error.code, error.status, undefined, error) : error;
  });
  const decoded = await decodeReply(reply);
  if (reply.outcome === 'ok') return decoded as T;
  throw callError(path, reply.outcome, reply.status, decoded);
}

/** Nothing, such as a 204, is `undefined`, so that nothing and `null` stay apart. */
function decodeReply({ body, contentType }: CallReply): unknown {
  if (body.length === 0) return undefined;
  return decodeBody(body, contentType);
}

class HandlerCallError extends Error implements CallError {
  override readonly name = 'CallError';
  constructor(
    message: string,
    readonly code: OutcomeCode,
    readonly status: number,
    readonly body: unknown,
    cause?: unknown,
  ) {
    super(message, cause === undefined ? undefined : { cause });
  }
}

function callError(
  path: string,
  code: OutcomeCode,
  status: number,
  body: unknown,
  cause?: unknown,
): CallError {
  const why = isErrorCode(code) ? ERRORS[code].title : 'It said no.';
  return new HandlerCallError(`${path} answered ${code} (${status}). ${why}`, code, status, body, cause);
}
