import { MeshError } from '#contracts';
import { errorOutcome, type Outcome } from '#handler/runtime';
import type { RunMessage } from '../worker-protocol.js';
import type { Exchange, Taken } from './exchange.js';
import type { BodySink } from './http-body.js';
import type { HttpReply } from './http-connection.js';
import type { RequestHead } from './http-head.js';
import { accept, MOST_RESPONSE_BYTES, reject, TOO_LARGE } from './rejections.js';
import { answerOf } from './shapes.js';
import { StreamedResponse } from './streamed-response.js';
import { WholeBody } from './whole-body.js';

const MODE = 'lambda-runtime-function-response-mode';

/** Takes the answer to a run: as a whole, or, where the program says so, as it comes. */
export function responseSink(
  exchange: Exchange,
  taken: Taken,
  head: RequestHead,
  reply: HttpReply,
): BodySink {
  if (head.header(MODE)?.toLowerCase() === 'streaming')
    return new StreamedResponse(exchange, taken, head, reply);
  const whole = (body: Uint8Array, _trailers: string, isTooLarge: boolean) => {
    exchange.settle(taken, taken.shaped && !isTooLarge ? answerOf(taken.shaped, body) : tooLarge(taken.run));
    if (isTooLarge) reject(reply, TOO_LARGE);
    else accept(reply);
  };
  return new WholeBody(whole, () => exchange.unclaim(taken));
}

const tooLarge = ([, , id]: RunMessage): Outcome =>
  errorOutcome(new MeshError('answer-too-large', `It has more than ${MOST_RESPONSE_BYTES} bytes.`), id);
