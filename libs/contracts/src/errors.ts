/** Whose doing an error is: it decides what is logged, counted and retried. */
export type Fault = 'caller' | 'handler' | 'mesh';
/** Whether the same request can succeed later without being changed. */
export type Retry = 'never' | 'later';

export interface ErrorKind {
  /** HTTP's number, used on every source. */
  readonly status: number;
  readonly fault: Fault;
  readonly retry: Retry;
  /** Safe to show to anyone: no stack, no path of a machine, no secret. */
  readonly title: string;
}

const kind = (status: number, fault: Fault, retry: Retry, title: string): ErrorKind => ({
  status,
  fault,
  retry,
  title,
});

/**
 * Every error that the mesh itself makes. docs/errors.md is held against this table by a test. A handler's own
 * FAIL is not here: it keeps the handler's status and body.
 */
export const ERRORS = {
  'bad-path': kind(404, 'caller', 'never', 'That is not a control path.'),
  'no-route': kind(404, 'caller', 'never', 'No live handler answers to this path.'),
  'no-version': kind(404, 'caller', 'never', 'The handler has no such version or alias.'),
  'not-found': kind(404, 'caller', 'never', 'There is nothing here.'),
  'method-not-allowed': kind(405, 'caller', 'never', 'The handler does not take this method.'),
  'bad-request': kind(400, 'caller', 'never', 'The request is malformed.'),
  'bad-event': kind(400, 'caller', 'never', 'The event envelope is malformed.'),
  'bad-body': kind(400, 'caller', 'never', 'The body does not match its content type.'),
  unauthorized: kind(401, 'caller', 'never', 'A valid token is required.'),
  forbidden: kind(403, 'caller', 'never', 'This token does not allow that.'),
  'request-timeout': kind(408, 'caller', 'later', 'The request did not arrive in time.'),
  conflict: kind(409, 'caller', 'never', 'That exists already with other content.'),
  'in-progress': kind(409, 'caller', 'later', 'The request with this idempotency key is not done yet.'),
  ended: kind(409, 'caller', 'never', 'The invocation has ended already.'),
  'revision-mismatch': kind(412, 'caller', 'never', 'The route was changed meanwhile.'),
  expired: kind(410, 'caller', 'never', 'The event was not started before it expired.'),
  'payload-too-large': kind(413, 'caller', 'never', 'The body is larger than the mesh accepts.'),
  'uri-too-long': kind(414, 'caller', 'never', 'The request target is too long.'),
  'unsupported-media-type': kind(415, 'caller', 'never', 'The content type or coding is not understood.'),
  'bad-artifact': kind(422, 'caller', 'never', 'The artifact cannot be published.'),
  'key-reused': kind(422, 'caller', 'never', 'The idempotency key was used for another request.'),
  'digest-mismatch': kind(422, 'caller', 'never', 'The bytes do not have the digest that was stated.'),
  'headers-too-large': kind(431, 'caller', 'never', 'The request headers are too large.'),
  'too-busy': kind(429, 'mesh', 'later', 'Too many requests at once.'),
  'rate-limited': kind(429, 'mesh', 'later', 'More requests than the handler takes in this time.'),
  cancelled: kind(499, 'caller', 'never', 'The call was cancelled before it ran.'),
  'client-gone': kind(499, 'caller', 'never', 'The caller went away.'),
  'handler-error': kind(500, 'handler', 'later', 'The handler threw an error.'),
  'bad-answer': kind(500, 'handler', 'never', 'The handler returned something that cannot be sent.'),
  'answer-too-large': kind(500, 'handler', 'never', 'The handler returned more than the mesh can carry.'),
  internal: kind(500, 'mesh', 'later', 'The mesh made a mistake.'),
  'worker-crashed': kind(502, 'handler', 'later', "The handler's worker ended unexpectedly."),
  'worker-restarting': kind(502, 'mesh', 'later', "The handler's worker is being replaced."),
  'broken-off': kind(502, 'mesh', 'later', 'What came in pieces broke off before its end.'),
  'artifact-missing': kind(502, 'mesh', 'later', "The handler's artifact cannot be read."),
  'artifact-corrupt': kind(502, 'mesh', 'later', "The handler's artifact does not have its digest."),
  'load-failed': kind(502, 'handler', 'never', "The handler's module failed while loading."),
  'load-timeout': kind(502, 'handler', 'later', "The handler's module took too long to load."),
  'no-handler': kind(502, 'handler', 'never', "The handler's module exports no handler."),
  'path-mismatch': kind(502, 'handler', 'never', "The handler's module names another control path."),
  'unsupported-runtime': kind(502, 'handler', 'never', 'No executor here runs this kind of handler.'),
  'no-executor': kind(503, 'mesh', 'later', 'No executor is running this handler now.'),
  'queue-full': kind(503, 'mesh', 'later', 'The mesh keeps as much waiting work as it can.'),
  'not-connected': kind(503, 'mesh', 'later', 'The mesh is not connected to its message server.'),
  'catalogue-unavailable': kind(503, 'mesh', 'later', 'The registry cannot reach its database.'),
  'store-unavailable': kind(503, 'mesh', 'later', 'The store of artifacts cannot be reached.'),
  'shutting-down': kind(503, 'mesh', 'later', 'This service is shutting down.'),
  'deadline-exceeded': kind(504, 'handler', 'later', 'No answer came before the deadline.'),
} as const satisfies Record<string, ErrorKind>;

export type ErrorCode = keyof typeof ERRORS;
/** Why a run is ended before its time; the body of a `mesh.cancel` message, `cancelled` where it has none. */
export type CancelCode = Extract<ErrorCode, 'client-gone' | 'cancelled'>;

/**
 * An error of the mesh. Compare `code`, never `instanceof`: it may have crossed a thread or the wire.
 * `detail` is shown to callers, so it says what was wrong with what they sent and nothing of the inside;
 * `cause` stays here, for the operator's log.
 */
export class MeshError extends Error {
  override readonly name = 'MeshError';
  constructor(
    readonly code: ErrorCode,
    readonly detail?: string,
    options?: { cause?: unknown },
  ) {
    super(detail ? `${ERRORS[code].title} ${detail}` : ERRORS[code].title, options);
  }
  get status(): number {
    return ERRORS[this.code].status;
  }
}

export function isErrorCode(text: unknown): text is ErrorCode {
  return typeof text === 'string' && Object.hasOwn(ERRORS, text);
}

/** True for a MeshError, also one that was copied between threads. */
export function isMeshError(error: unknown): error is MeshError {
  return error instanceof Error && error.name === 'MeshError' && isErrorCode((error as MeshError).code);
}

/** Any thrown value as a MeshError; what is not one already is `internal`, with its text kept from outsiders. */
export function asMeshError(error: unknown): MeshError {
  return isMeshError(error) ? error : new MeshError('internal', undefined, { cause: error });
}

/** Problem details, RFC 9457. */
export interface Problem {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly code: ErrorCode;
  readonly fault: Fault;
  readonly retry: Retry;
  readonly detail?: string;
  /** The mesh-id of the request, to be quoted to an operator. */
  readonly instance?: string;
}

export const PROBLEM_JSON = 'application/problem+json';

/** RFC 9457 clause 3: what outsiders get to read of an error. */
export function problemOf(error: Pick<MeshError, 'code' | 'detail'>, meshId?: string): Problem {
  const { status, fault, retry, title } = ERRORS[error.code];
  return {
    type: `urn:lambda-mesh:error:${error.code}`,
    title,
    status,
    code: error.code,
    fault,
    retry,
    ...(error.detail === undefined ? {} : { detail: error.detail }),
    ...(meshId === undefined ? {} : { instance: `urn:uuid:${meshId}` }),
  };
}
