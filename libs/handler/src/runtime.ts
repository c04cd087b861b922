/**
 * What runs handlers: an executor, and `testing` with the same code, so that a test and production agree.
 *
 *   resolve-handler   a module's exports → the handler among them
 *     awslambda         a function that writes into a stream → one that returns it
 *   build-event       envelope + bytes → the event that a handler sees
 *     decode-body       bytes → value, by content type (media-type, json, pairs, multipart, structured-event)
 *   run-handler       handler + event → outcome; never rejects
 *     context           what a handler answers through
 *     answer            returned value → status, headers, bytes (answer-headers, encode-body)
 *     answer-stream     a returned stream (stream-source) → pieces of bytes, as fast as they are taken
 *       collect         the pieces → one body, for who cannot take them
 *     lambda/to-answer  outcome → JSON for who called with a payload
 *     shapes/           other documents than the mesh's own event, and how an answer is read then
 *     log-line          what a handler logs → text and plain JSON
 *     outcome           thrown value or error of the mesh → outcome
 */
export { type Answer, encodeReturned } from './answer.js';
export type { AnswerStream } from './answer-stream.js';
export type { HandlerContext, HandlerEvent, LogLevel } from './author-types.js';
export { offerAwslambda } from './awslambda.js';
export { buildEvent, buildStreamedEvent } from './build-event.js';
export { collect, toItsEnd } from './collect.js';
export type { CallReply, CallRequest, Host } from './host.js';
export { toValue } from './lambda/to-answer.js';
export { logFields, logMessage } from './log-line.js';
export { describe, errorOutcome, type Outcome, type OutcomeCause } from './outcome.js';
export { type ResolvedHandler, resolveHandler } from './resolve-handler.js';
export { openAnswer, runHandler } from './run-handler.js';
export { runShaped, shapeOf } from './shapes/run-shaped.js';
export { type Asked, type Shaping, shapingOf } from './shapes/shape.js';
