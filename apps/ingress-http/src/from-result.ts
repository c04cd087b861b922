import { ERRORS, type MeshError, PROBLEM_JSON, problemOf, type ResultEnvelope } from '#contracts';
import type { CallReply } from '#fabric';

/** An HTTP answer, ready to be written: headers as the flat list that Node takes without looking at them again. */
export interface HttpResponse {
  readonly status: number;
  readonly headers: string[];
  readonly body: Uint8Array;
  /** What follows `body`, to be written as it comes; absent: that is all. */
  readonly rest?: AsyncIterable<Uint8Array>;
}

const NO_BYTES = new Uint8Array(0);
/** https://html.spec.whatwg.org/multipage/server-sent-events.html */
const EVENT_STREAM = 'text/event-stream';
/** Seconds after which it is worth trying again. */
const RETRY_AFTER = '1';

/** A handler's answer. */
export function fromReply({ result, body, rest }: CallReply): HttpResponse {
  const bodiless = result.status === 204 || result.status === 304;
  const headers = ['mesh-id', result.id];
  if (result.version !== undefined) headers.push('mesh-version', result.version);
  if (result.contentType !== undefined && !bodiless) headers.push('content-type', result.contentType);
  if (result.meta) pushMeta(headers, result.meta);
  // An executor knows better when there will be room.
  if (isMeshProblem(result) && result.meta?.headers?.['retry-after'] === undefined)
    pushRetryAfter(headers, ERRORS[result.outcome as keyof typeof ERRORS]);
  if (result.contentType?.startsWith(EVENT_STREAM)) pushUngathered(headers, result.meta);
  // Its length is not known yet.
  if (rest) return { status: result.status, headers, body, rest };
  // RFC 9110, clause 8.6: no length where there can be no body.
  if (!bodiless) headers.push('content-length', String(body.length));
  return { status: result.status, headers, body: bodiless ? NO_BYTES : body };
}

/** What is in front should pass events on as they come, and keep none of them; unless the handler says otherwise. */
function pushUngathered(headers: string[], meta: ResultEnvelope['meta']): void {
  if (meta?.headers?.['cache-control'] === undefined) headers.push('cache-control', 'no-cache');
  // nginx gathers answers unless it is told not to.
  if (meta?.headers?.['x-accel-buffering'] === undefined) headers.push('x-accel-buffering', 'no');
}

/** An error that the mesh met before or instead of a handler's answer. */
export function fromError(
  error: MeshError,
  meshId: string | undefined,
  allow?: readonly string[],
): HttpResponse {
  const body = Buffer.from(JSON.stringify(problemOf(error, meshId)));
  const headers = ['content-type', PROBLEM_JSON, 'content-length', String(body.length)];
  if (meshId !== undefined) headers.push('mesh-id', meshId);
  if (allow) headers.push('allow', allow.join(', '));
  // RFC 9110, clause 11.6.1: a 401 says what would be accepted.
  if (error.code === 'unauthorized') headers.push('www-authenticate', 'Bearer');
  pushRetryAfter(headers, ERRORS[error.code]);
  return { status: error.status, headers, body };
}

function pushMeta(headers: string[], { headers: own, cookies }: NonNullable<ResultEnvelope['meta']>): void {
  for (const name in own)
    for (const value of [own[name] as string | string[]].flat()) headers.push(name, value);
  for (const cookie of cookies ?? []) headers.push('set-cookie', cookie);
}

const isMeshProblem = ({ outcome }: ResultEnvelope): boolean => outcome !== 'ok' && outcome !== 'failed';

/** RFC 9110, clause 10.2.3: where trying again soon makes sense. */
function pushRetryAfter(headers: string[], { status, retry }: (typeof ERRORS)[keyof typeof ERRORS]): void {
  if (retry === 'later' && (status === 429 || status === 503)) headers.push('retry-after', RETRY_AFTER);
}
