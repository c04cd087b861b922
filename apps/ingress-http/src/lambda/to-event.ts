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
  const timeout = timeoutOf(route);
  return {
    id: mintMeshId(),
    meta,
    contentType: PAYLOAD_TYPE,
    ...(qualifier === undefined ? undefined : { version: qualifier }),
    ...(timeout === DEFAULT_TIMEOUT_MS ? undefined : { timeout }),
    ...(tail ? { logTail: true } : undefined),
  };
}

/** The handler's own limit, ms; with several versions live the longest, since the executor picks. */
const timeoutOf = ({ versions }: Route): number =>
  Math.max(...versions.map(({ limits }) => limits.timeoutMs ?? DEFAULT_TIMEOUT_MS));
