import type { IncomingMessage, ServerResponse } from 'node:http';
import { asMeshError, type LiveVersion, MeshError, payloadLimitOf } from '#contracts';
import { askForBody, discard, readBody, refused, tooLarge } from './read-body.js';
import type { Match } from './router.js';

/** What is no larger is read whole, also where the handler takes its body as it comes: one message is less work. */
const WHOLE_BYTES = 64 * 1024;
/** How long a client may bring nothing while its handler waits for more, ms. */
const IDLE_LIMIT_MS = 30_000;

/** How large a body may be, bytes. */
export interface BodyLimits {
  /** What fits one message. */
  readonly message: number;
  /** The operator's bound. */
  readonly most: number;
}

/**
 * The body of a request: whole where it fits a message, else in pieces, for handlers that take those, or that said how
 * large a body they take.
 * @throws MeshError as {@link readBody} does
 */
export function takeBody(
  request: IncomingMessage,
  response: ServerResponse,
  { route, version }: Match,
  { message, most }: BodyLimits,
): Promise<Uint8Array> | AsyncIterable<Uint8Array> {
  const payload = payloadLimitOf(route, version);
  const streams = route.versions.some(takesStream);
  const beyond = Math.min(payload ?? (streams ? most : message), most);
  const length = request.headers['content-length'];
  const whole = streams ? Math.min(WHOLE_BYTES, message) : message;
  if (length === undefined ? !streams && beyond <= message : Number(length) <= Math.min(whole, beyond))
    return readBody(request, response, Math.min(message, beyond));
  if (Number(length ?? 0) > beyond) return Promise.reject(refused(request, beyond));
  return streamBody(request, response, beyond);
}

const takesStream = ({ body }: LiveVersion): boolean => body === 'stream';

/**
 * A body as it comes, no faster than it is taken. Who takes no more of it than a part leaves the client to send the
 * rest into nothing, so that it gets to read its answer.
 * @throws MeshError `payload-too-large`, `request-timeout`, `client-gone` when it breaks off
 */
export async function* streamBody(
  request: IncomingMessage,
  response: ServerResponse,
  maxBytes: number,
  idleMs = IDLE_LIMIT_MS,
): AsyncGenerator<Uint8Array, undefined> {
  askForBody(request, response);
  const chunks: AsyncIterator<Buffer> = request.iterator({ destroyOnReturn: false });
  let size = 0;
  try {
    for (;;) {
      const { done, value } = await within(chunks.next(), idleMs);
      if (done) return;
      size += value.length;
      if (size > maxBytes) throw tooLarge(maxBytes);
      yield value;
    }
  } finally {
    if (!request.readableEnded) {
      // Not awaited: where the client is silent, it ends with the connection.
      void chunks.return?.();
      discard(request);
    }
  }
}

/** @throws MeshError `request-timeout`, `client-gone` */
async function within<T>(chunk: Promise<T>, limitMs: number): Promise<T> {
  const limit = Promise.withResolvers<never>();
  const timer = setTimeout(() => limit.reject(new MeshError('request-timeout')), limitMs);
  try {
    return await Promise.race([chunk, limit.promise]);
  } catch (error) {
    const fault = asMeshError(error);
    throw fault.code === 'request-timeout'
      ? fault
      : new MeshError('client-gone', undefined, { cause: error });
  } finally {
    clearTimeout(timer);
  }
}
