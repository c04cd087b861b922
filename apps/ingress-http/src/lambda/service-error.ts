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
const service = (status: number): Kind => ({ status, by: 'Service', member: 'Message' });

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
  ResourceConflictException: user(409),
  RequestTooLargeException: user(413),
  UnsupportedMediaTypeException: user(415),
  TooManyRequestsException: user(429),
  ServiceException: service(500),
  InvalidRuntimeException: service(502),
  InvalidZipFileException: service(502),
  ResourceNotReadyException: service(502),
} as const satisfies Record<string, Kind>;
export type ServiceErrorName = keyof typeof SERVICE_ERRORS;

export interface ServiceErrorOptions {
  /** Another status than the model's: SDKs go by the name, and by 503 know that trying again makes sense. */
  readonly status?: number;
  /** Why there were too many. */
  readonly reason?: string;
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

/** Seconds after which it is worth trying again. */
const RETRY_AFTER = '1';
const OVERLOADED = { reason: 'ReservedFunctionConcurrentInvocationLimitExceeded' };
const AWAY: Translation = ['ServiceException', { status: 503 }];

/** What is not here is an error of the function where a handler caused it, and else a `ServiceException`. */
const TRANSLATIONS: Partial<Record<ErrorCode, Translation>> = {
  'artifact-corrupt': ['InvalidZipFileException'],
  'artifact-missing': ['ResourceNotReadyException'],
  'bad-body': ['InvalidRequestContentException'],
  'bad-event': ['InvalidParameterValueException'],
  'bad-path': ['ResourceNotFoundException'],
  'bad-request': ['InvalidParameterValueException'],
  'method-not-allowed': ['UnknownOperationException'],
  'no-executor': AWAY,
  'no-route': ['ResourceNotFoundException'],
  'no-version': ['ResourceNotFoundException'],
  'not-connected': AWAY,
  'not-found': ['UnknownOperationException'],
  'payload-too-large': ['RequestTooLargeException'],
  'queue-full': AWAY,
  'rate-limited': ['TooManyRequestsException', { reason: 'FunctionInvocationRateLimitExceeded' }],
  'shutting-down': AWAY,
  'store-unavailable': ['ResourceNotReadyException'],
  'too-busy': ['TooManyRequestsException', OVERLOADED],
  unauthorized: ['MissingAuthenticationTokenException'],
  'unsupported-media-type': ['UnsupportedMediaTypeException'],
  'unsupported-runtime': ['InvalidRuntimeException'],
  'uri-too-long': ['InvalidParameterValueException'],
  'worker-restarting': ['ResourceNotReadyException'],
};

/** An error of the mesh in Lambda's words; `undefined` where a handler caused it, which is an error of the function. */
export function translated(error: Pick<MeshError, 'code' | 'detail'>): ServiceError | undefined {
  const { title, fault } = ERRORS[error.code];
  const translation =
    TRANSLATIONS[error.code] ?? (fault === 'handler' ? undefined : (['ServiceException'] as const));
  if (!translation) return undefined;
  const [type, options] = translation;
  return new ServiceError(type, error.detail === undefined ? title : `${title} ${error.detail}`, options);
}

/** As SDKs read it: the name from the header, the message from the member that the model gives it. */
export function serviceErrorAnswer(error: ServiceError, requestId: string): HttpResponse {
  const { type, message, options } = error;
  const { status, by, member } = SERVICE_ERRORS[type];
  const { reason } = options;
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
  if (code === 429 || code === 503) headers.push('retry-after', RETRY_AFTER);
  return { status: code, headers, body };
}
