import { MeshError } from '#contracts';
import { errorOutcome, type Outcome } from '#handler/runtime';
import type { RunMessage } from '../worker-protocol.js';
import type { Exchange, Taken } from './exchange.js';
import type { HttpReply } from './http-answers.js';
import type { BodySink } from './http-body.js';
import type { RequestHead } from './http-head.js';
import { accept, MOST_RESPONSE_BYTES, reject, TOO_LARGE } from './rejections.js';
import { answerOf, isForQueue } from './shapes.js';
import { StreamedResponse, trailedError } from './streamed-response.js';
import { WholeBody } from './whole-body.js';

const MODE = 'lambda-runtime-function-response-mode';

/** Takes the answer to a run: as a whole, or, where the program says so and nobody has to read it, as it comes. */
export function responseSink(
  exchange: Exchange,
  taken: Taken,
  head: RequestHead,
  reply: HttpReply,
): BodySink {
  const { run, shaped } = taken;
  if (head.header(MODE)?.toLowerCase() === 'streaming' && !isForQueue(shaped))
    return new StreamedResponse(exchange, taken, head, reply);
  const whole = (body: Uint8Array, trailers: string, isTooLarge: boolean) => {
    const answer = shaped && !isTooLarge ? answerOf(shaped, body) : tooLarge(run);
    exchange.settle(taken, trailedError(run, trailers) ?? answer);
    if (isTooLarge) reject(reply, TOO_LARGE);
    else accept(reply);
  };
  return new WholeBody(whole, () => exchange.unclaim(taken));
}

const tooLarge = ([, , id]: RunMessage): Outcome =>
  errorOutcome(new MeshError('answer-too-large', `It has more than ${MOST_RESPONSE_BYTES} bytes.`), id);
