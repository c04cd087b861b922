import { ERRORS, type ErrorCode, type MeshError } from '#contracts';
import type { HttpResponse } from '../from-result.js';

/*
 * Errors of the Lambda service itself, as opposed to those of a function: the call was not run, or its answer is not
 * the function's. Names, statuses and members are those of the API's model, by which SDKs make their exceptions.
 */

interface Kind {
  readonly status: number;
  /** Whose doing it is: the member `Type`. */
  readonly by: 'User' | 'Service';
  /** How the model spells the message's member. */
  readonly member: 'message' | 'Message';
}

const user = (status: number, member: Kind['member'] = 'message'): Kind => ({ status, by: 'User', member });
const service = (status: number, member: Kind['member'] = 'Message'): Kind => ({
  status,
  by: 'Service',
  member,
});

export const SERVICE_ERRORS = {
  InvalidParameterValueException: user(400),
  InvalidRequestContentException: user(400),
  AccessDeniedException: user(403, 'Message'),
  IncompleteSignatureException: user(403),
  InvalidSignatureException: user(403),
  MissingAuthenticationTokenException: user(403),
  UnrecognizedClientException: user(403),
  ResourceNotFoundException: user(404, 'Message'),
  UnknownOperationException: user(404, 'Message'),
  /** Not in the API's model; a name by which SDKs know that trying again makes sense. */
  RequestTimeoutException: user(408),
  RequestTooLargeException: user(413),
  UnsupportedMediaTypeException: user(415),
  TooManyRequestsException: user(429),
  ServiceException: service(500),
  InvalidRuntimeException: service(502),
  InvalidZipFileException: service(502),
  ResourceNotReadyException: service(502, 'message'),
} as const satisfies Record<string, Kind>;
export type ServiceErrorName = keyof typeof SERVICE_ERRORS;

export interface ServiceErrorOptions {
  /** Another status than the model's: SDKs go by the name, and by 503 know that trying again makes sense. */
  readonly status?: number;
  /** Why there were too many. */
  readonly reason?: string;
  /** Seconds after which there will be room. */
  readonly retryAfter?: string;
}

export class ServiceError extends Error {
  override readonly name = 'ServiceError';
  constructor(
    readonly type: ServiceErrorName,
    message: string,
    readonly options: ServiceErrorOptions = {},
  ) {
    super(message);
  }
}

type Translation = readonly [type: ServiceErrorName, options?: ServiceErrorOptions];

/** Seconds after which it is worth trying again, where nobody knows better. */
const RETRY_AFTER = '1';
const OVERLOADED = { reason: 'ReservedFunctionConcurrentInvocationLimitExceeded' };

/** What is not here is an error of the function, or is told as whose doing it is, with the mesh's own status. */
const TRANSLATIONS: Partial<Record<ErrorCode, Translation>> = {
  'artifact-corrupt': ['InvalidZipFileException'],
  'artifact-missing': ['ResourceNotReadyException'],
  'bad-body': ['InvalidRequestContentException'],
  'bad-event': ['InvalidParameterValueException'],
  'bad-path': ['ResourceNotFoundException'],
  'bad-request': ['InvalidParameterValueException'],
  forbidden: ['AccessDeniedException'],
  'method-not-allowed': ['UnknownOperationException'],
  'no-route': ['ResourceNotFoundException'],
  'no-version': ['ResourceNotFoundException'],
  'not-found': ['UnknownOperationException'],
  'payload-too-large': ['RequestTooLargeException'],
  'rate-limited': ['TooManyRequestsException', { reason: 'FunctionInvocationRateLimitExceeded' }],
  'request-timeout': ['RequestTimeoutException'],
  'store-unavailable': ['ResourceNotReadyException'],
  'too-busy': ['TooManyRequestsException', OVERLOADED],
  unauthorized: ['MissingAuthenticationTokenException'],
  'unsupported-media-type': ['UnsupportedMediaTypeException'],
  'unsupported-runtime': ['InvalidRuntimeException'],
  'uri-too-long': ['InvalidParameterValueException'],
  'worker-restarting': ['ResourceNotReadyException'],
};

/**
 * An error of the mesh in Lambda's words; `undefined` where a handler caused it, which is an error of the function.
 * @param retryAfter seconds, where who refused it knows
 */
export function translated(
  { code, detail }: Pick<MeshError, 'code' | 'detail'>,
  retryAfter?: string,
): ServiceError | undefined {
  const { title } = ERRORS[code];
  const translation = TRANSLATIONS[code] ?? byFault(ERRORS[code]);
  if (!translation) return undefined;
  const [type, options] = translation;
  const message = detail === undefined ? title : `${title} ${detail}`;
  return new ServiceError(type, message, retryAfter === undefined ? options : { ...options, retryAfter });
}

function byFault({ fault, status }: (typeof ERRORS)[ErrorCode]): Translation | undefined {
  if (fault === 'handler') return undefined;
  return [fault === 'caller' ? 'InvalidParameterValueException' : 'ServiceException', { status }];
}

/** As SDKs read it: the name from the header, the message from the member that the model gives it. */
export function serviceErrorAnswer(error: ServiceError, requestId: string): HttpResponse {
  const { type, message, options } = error;
  const { status, by, member } = SERVICE_ERRORS[type];
  const { reason, retryAfter = RETRY_AFTER } = options;
  const body = Buffer.from(
    JSON.stringify({
      Type: by,
      [member]: message,
      ...(reason === undefined ? undefined : { Reason: reason }),
    }),
  );
  const headers = ['content-type', 'application/json', 'content-length', String(body.length)];
  headers.push('x-amzn-requestid', requestId, 'x-amzn-errortype', type);
  const code = options.status ?? status;
  if (code === 429 || code === 503) headers.push('retry-after', retryAfter);
  return { status: code, headers, body };
}
