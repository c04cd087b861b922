import { asMeshError, MeshError } from '../../contracts/src/errors.js';
import { type Answer, encodeReturned, encodeStatement } from './answer.js';
import type { AnswerStream } from './answer-stream.js';
import type { HandlerEvent } from './author-types.js';
import { createContext, type Run } from './context.js';
import type { Host } from './host.js';
import { errorOutcome } from './outcome.js';
import type { ResolvedHandler } from './resolve-handler.js';

/** A day. */
const MAX_RETRY_AFTER_S = 86_400;

/**
 * Runs a handler on an event and says how it ended. Never rejects; it may never resolve either: deadlines are the
 * host's matter.
 *
 * - a throw is `handler-error`, also after `context(…)`: a handler that broke half-way has not succeeded; an error may
 *   have `retryAfter`, seconds;
 * - else the first `context(…)` is the outcome, whatever is returned;
 * - else the returned value is OK: `undefined` 204, text, bytes, an HTTP answer, or JSON;
 * - what cannot be sent is `bad-answer`.
 *
 * @param encodeValue how the returned value is read; see `shapes/`
 *
 * An answer that has a `rest` has not begun: {@link openAnswer} makes it begin, and its `return()` lets go of it.
 */
export async function runHandler(
  resolved: ResolvedHandler,
  event: HandlerEvent,
  host: Host,
  encodeValue: (returned: unknown) => Answer = encodeReturned,
): Promise<Answer> {
  const run: Run = { host, statement: undefined, log: undefined };
  let returned: unknown;
  try {
    returned = await resolved.invoke(event, createContext(run));
  } catch (thrown) {
    const outcome = errorOutcome(new MeshError('handler-error'), event.id, thrown ?? String(thrown));
    const later = retryAfterOf(thrown);
    return later === undefined ? outcome : { ...outcome, meta: { headers: { 'retry-after': later } } };
  }
  return encode(run, returned, event.id, encodeValue);
}

/**
 * Begins an answer that comes in pieces. Never rejects: what breaks off before anything had to be sent is an error like
 * any other, and what has ended by then is a whole answer.
 */
export async function openAnswer(answer: Answer, rest: AnswerStream, meshId: string): Promise<Answer> {
  try {
    const { isWhole, body, contentType } = await rest.open(answer.contentType === undefined);
    const { rest: _, ...outcome } = answer;
    // What the handler said of its type goes before what the first piece is.
    const begun = { ...(contentType === undefined ? undefined : { contentType }), ...outcome, body };
    return isWhole ? begun : { ...begun, rest };
  } catch (error) {
    const fault = asMeshError(error);
    return errorOutcome(fault, meshId, fault.cause);
  }
}

/** `error.retryAfter`, in seconds: work is not tried again before, and an HTTP caller is told. */
function retryAfterOf(thrown: unknown): string | undefined {
  try {
    const seconds = (thrown as { retryAfter?: unknown } | undefined | null)?.retryAfter;
    if (typeof seconds !== 'number' || !(seconds >= 0 && seconds <= MAX_RETRY_AFTER_S)) return undefined;
    return String(Math.ceil(seconds));
  } catch {
    // What is thrown may be anything, also something whose getters throw.
    return undefined;
  }
}

function encode(
  { statement }: Run,
  returned: unknown,
  meshId: string,
  encodeValue: (returned: unknown) => Answer,
): Answer {
  try {
    return statement ? encodeStatement(statement) : encodeValue(returned);
  } catch (error) {
    // By class, for once: a getter of the answer may throw what only looks like an error of the mesh.
    if (error instanceof MeshError) return errorOutcome(error, meshId, error.cause);
    const unreadable = new MeshError('bad-answer', 'It threw while being read.');
    return errorOutcome(unreadable, meshId, error ?? String(error));
  }
}
