/**
 * `@lambda-mesh/handler`: what a handler's author imports.
 *
 *   export default handler('users/find', { version: '0.0.1' }, async (event, context) => …)
 *
 * Its siblings: `runtime` is what an executor runs handlers with, `testing` what an author tests them with.
 */
export type {
  AnswerHeaders,
  AnswerOptions,
  CallError,
  CallOptions,
  CloudEvent,
  EventShape,
  HandlerContext,
  HandlerEvent,
  HandlerFunction,
  HandlerLog,
  HandlerOptions,
  HandlerTrigger,
  HttpAnswer,
  HttpMethod,
  JsonValue,
  LambdaContext,
  LogLevel,
  Source,
  SqsRecord,
  SqsRecordAttribute,
  StreamedEvent,
  StreamedHandlerFunction,
  UploadedFile,
  Values,
} from './author-types.js';
export { FAIL, type HandlerDefinition, handler, handler as λ, OK } from './definition.js';
export type {
  ApiGatewayAnswer,
  ApiGatewayV1Event,
  ApiGatewayV2Event,
  CloudEventDocument,
  ShapedEvents,
  ShapedHandlerFunction,
  SqsAnswer,
  SqsEvent,
} from './shape-types.js';
export { type ServerSentEvent, sse } from './sse.js';
