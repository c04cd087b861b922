import {
  DEFAULT_TIMEOUT_MS,
  type EventEnvelope,
  type EventMeta,
  functionArn,
  mintMeshId,
  type Route,
} from '#contracts';
import type { InvokeRequest } from './invoke-request.js';

/** Payloads are JSON, whatever the request's content type says: SDKs send `application/octet-stream`. */
const PAYLOAD_TYPE = 'application/json';
/** How much longer than the handler's own limit an answer is waited for, ms: so that the executor's comes, with log and version. */
const ANSWER_GRACE_MS = 1_000;

/**
 * An invocation as an event: the body is the payload, and `attributes` is what else Lambda's callers send.
 *
 *     { invokedFunctionArn, clientContext: {…}, traceId }
 *
 * @param caller the network of the peer
 */
export function toEvent(
  route: Route,
  qualifier: string | undefined,
  { type, tail, clientContext, traceId }: InvokeRequest,
  caller: string | undefined,
): EventEnvelope {
  const attributes = {
    invokedFunctionArn: functionArn(route.path, qualifier),
    // "Lambda passes the ClientContext object to your function for synchronous invocations only."
    ...(clientContext === undefined || type === 'Event' ? undefined : { clientContext }),
    ...(traceId === undefined ? undefined : { traceId }),
  };
  const meta: EventMeta = {
    source: 'lambda',
    ...(caller === undefined ? undefined : { caller }),
    attributes,
  };
  return {
    id: mintMeshId(),
    meta,
    contentType: PAYLOAD_TYPE,
    ...(qualifier === undefined ? undefined : { version: qualifier }),
    timeout: timeoutOf(route),
    ...(tail ? { logTail: true } : undefined),
  };
}

/** The handler's own limit and the grace, ms; with several versions live the longest, since the executor picks. */
const timeoutOf = ({ versions }: Route): number =>
  Math.max(...versions.map(({ limits }) => limits.timeoutMs ?? DEFAULT_TIMEOUT_MS)) + ANSWER_GRACE_MS;
