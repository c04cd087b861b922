import type { IncomingMessage } from 'node:http';
import { MeshError } from '#contracts';
import { errorOutcome, type Outcome } from '#handler/runtime';
import type { HandlerSpec } from '../runtime.js';
import type { Taken } from './exchange.js';
import { readBody } from './read-body.js';
import { MOST_RESPONSE_BYTES } from './rejections.js';
import { answerOf } from './shapes.js';

/** A response → the outcome of its run. @throws Error when it does not arrive whole */
export async function readResponse(
  spec: HandlerSpec,
  { run }: Taken,
  request: IncomingMessage,
): Promise<Outcome> {
  const body = await readBody(request, MOST_RESPONSE_BYTES);
  const id = run[2];
  if (!body)
    return errorOutcome(
      new MeshError('answer-too-large', `It has more than ${MOST_RESPONSE_BYTES} bytes.`),
      id,
    );
  return answerOf(spec, body);
}
