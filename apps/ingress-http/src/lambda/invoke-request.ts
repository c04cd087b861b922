import type { IncomingHttpHeaders } from 'node:http';
import { isMeshError, type JsonValue, parseJsonBody } from '#contracts';
import { ServiceError } from './service-error.js';

/** What a caller of Invoke asks for beside the function and its payload. */
export interface InvokeRequest {
  readonly type: InvocationType;
  /** The last lines that the run logs come with the answer. */
  readonly tail: boolean;
  readonly clientContext?: JsonValue;
  /** X-Ray's header, passed on as it is. */
  readonly traceId?: string;
}

export const INVOCATION_TYPES = ['RequestResponse', 'Event', 'DryRun'] as const;
export type InvocationType = (typeof INVOCATION_TYPES)[number];

/** Bytes of a payload, by Lambda's quotas: 6 MB where somebody waits for the answer, 1 MB where nobody does. */
const MAX_PAYLOAD: Readonly<Record<InvocationType, number>> = {
  RequestResponse: 6 * 1024 * 1024,
  Event: 1024 * 1024,
  DryRun: 6 * 1024 * 1024,
};
/** Bytes of the header `X-Amz-Client-Context`, which is base64. */
const MAX_CLIENT_CONTEXT = 3_583;
const BASE64 = /^[A-Za-z0-9+/]*={0,2}$/;
const MAX_TRACE_ID = 256;
const EMPTY_OBJECT = Buffer.from('{}');

/** @throws ServiceError for a header that Lambda refuses, too */
export function invokeRequestOf(headers: IncomingHttpHeaders): InvokeRequest {
  const coding = headers['content-encoding'];
  if (coding !== undefined && coding !== 'identity')
    throw new ServiceError('UnsupportedMediaTypeException', 'A payload is sent without a content coding.');
  const type = typeOf(headers['x-amz-invocation-type'] as string | undefined);
  const context = headers['x-amz-client-context'] as string | undefined;
  const traceId = headers['x-amzn-trace-id'] as string | undefined;
  return {
    type,
    tail: isTail(headers['x-amz-log-type'] as string | undefined),
    ...(context === undefined ? undefined : { clientContext: clientContextOf(context) }),
    ...(traceId === undefined || traceId.length > MAX_TRACE_ID ? undefined : { traceId }),
  };
}

function typeOf(text = 'RequestResponse'): InvocationType {
  const type = INVOCATION_TYPES.find((one) => one === text);
  if (type) return type;
  throw new ServiceError(
    'InvalidParameterValueException',
    `X-Amz-Invocation-Type is one of ${INVOCATION_TYPES.join(', ')}.`,
  );
}

function isTail(text = 'None'): boolean {
  if (text === 'Tail' || text === 'None') return text === 'Tail';
  throw new ServiceError('InvalidParameterValueException', 'X-Amz-Log-Type is None or Tail.');
}

function clientContextOf(text: string): JsonValue {
  if (text.length > MAX_CLIENT_CONTEXT)
    throw new ServiceError(
      'InvalidRequestContentException',
      `X-Amz-Client-Context has at most ${MAX_CLIENT_CONTEXT} characters.`,
    );
  const value = BASE64.test(text) ? tryJson(Buffer.from(text, 'base64')) : undefined;
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as JsonValue;
  throw new ServiceError(
    'InvalidRequestContentException',
    'X-Amz-Client-Context is a JSON object in base64.',
  );
}

/** How much of a body is read at most. */
export const largestPayload = (type: InvocationType): number => MAX_PAYLOAD[type];

/**
 * The payload as the function gets it: none is an empty object. That it is JSON is found out where it is decoded anyhow,
 * beside the function: 6 MB would hold up everybody's requests here for 50 ms. Only of work nobody would be told then.
 * @throws MeshError `bad-body`, by the very rule of who decodes it later
 */
export function payloadOf(type: InvocationType, body: Uint8Array): Uint8Array {
  if (body.length === 0) return EMPTY_OBJECT;
  if (type === 'Event') parseJsonBody(body);
  return body;
}

function tryJson(bytes: Uint8Array): unknown {
  try {
    return parseJsonBody(bytes);
  } catch (error) {
    if (isMeshError(error)) return undefined;
    throw error;
  }
}
