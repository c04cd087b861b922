import { parseJsonBody } from '../../../contracts/src/json-body.js';
import type { EventShape } from '../../../contracts/src/manifest.js';
import { type Answer, encodeReturned } from '../answer.js';
import type { HandlerContext, HandlerEvent } from '../author-types.js';
import { buildEvent, buildStreamedEvent, once } from '../build-event.js';
import type { Host } from '../host.js';
import type { ResolvedHandler } from '../resolve-handler.js';
import { runHandler } from '../run-handler.js';
import { apigatewayV1 } from './apigateway-v1.js';
import { apigatewayV2 } from './apigateway-v2.js';
import { byCallback } from './callback.js';
import { cloudevents } from './cloudevents.js';
import { jsonAnswer } from './lambda-answer.js';
import { lambdaContext } from './lambda-context.js';
import { lambdaSource } from './lambda-source.js';
import { payload } from './payload.js';
import type { Asked, Shape } from './shape.js';
import { sqs } from './sqs.js';

/** The mesh's own event, for a caller who speaks Lambda: the answer is in that caller's convention. */
const meshForLambda: Shape = {
  document({ path, envelope, raw, inPieces = false }) {
    if (!inPieces) return buildEvent(path, envelope, raw);
    // A payload is JSON, also where nobody decodes it.
    if (raw.length > 0) parseJsonBody(raw);
    return buildStreamedEvent(path, envelope, once(raw));
  },
  answer: jsonAnswer,
};

/** The shape of an event: what the handler asks for, unless the caller sends the document itself. */
export function shapeOf(event: EventShape, source: string): Shape {
  switch (event) {
    case 'mesh':
      return meshForLambda;
    case 'cloudevents':
      return cloudevents;
    case 'apigateway-v1':
      return source === 'lambda' ? lambdaSource : apigatewayV1;
    case 'apigateway-v2':
      return source === 'lambda' ? lambdaSource : apigatewayV2;
    case 'sqs':
      return source === 'lambda' ? lambdaSource : sqs;
    case 'payload':
      return payload;
  }
}

/** As {@link runHandler}, for a handler that asks for another document than the mesh's own, or for a caller who speaks Lambda. */
export async function runShaped(
  event: EventShape,
  resolved: ResolvedHandler,
  asked: Asked,
  host: Host,
): Promise<Answer> {
  const { source } = asked.envelope.meta;
  const shape = shapeOf(event, source);
  // May throw: what cannot be read is the caller's fault, not the handler's.
  const document = await shape.document(asked);
  const isMesh = event === 'mesh';
  const given = resolved.form === 'payload' && !isMesh ? { body: document } : document;
  const invoke = (_: HandlerEvent, context: HandlerContext) => {
    const known = lambdaContext(context, asked);
    return resolved.takesCallback && !isMesh
      ? byCallback((callback) => resolved.invoke(given as HandlerEvent, known, callback))
      : resolved.invoke(given as HandlerEvent, known);
  };
  const answer = await runHandler(
    { ...resolved, invoke },
    // Of which it needs the id alone.
    { id: asked.envelope.id } as HandlerEvent,
    host,
    (returned) => (resolved.streams ? encodeReturned(returned) : shape.answer(returned, asked)),
  );
  return source === 'lambda' ? withFunctionError(answer) : answer;
}

/**
 * Who calls a function by Lambda's API is told what it threw, as there: the error's type and message, and never the
 * stack. Other callers are told that it threw.
 */
function withFunctionError(answer: Answer): Answer {
  const { outcome, cause } = answer;
  if (outcome !== 'handler-error' || !cause) return answer;
  const body = { errorType: cause.name, errorMessage: cause.message, trace: [] };
  return { ...answer, contentType: 'application/json', body: Buffer.from(JSON.stringify(body)) };
}
