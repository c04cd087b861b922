import { encodeResult, HEADER_ROOM_BYTES, MeshError, type ResultEnvelope } from '#contracts';
import { errorOutcome, type Outcome } from '#handler/runtime';

export interface EncodedReply {
  readonly outcome: Outcome['outcome'];
  readonly status: number;
  readonly result: ResultEnvelope;
  readonly headers: Uint8Array;
  readonly body: Uint8Array;
}

/**
 * An outcome as the reply that is sent.
 * @param version the one that ran; `undefined` when none did
 * @param maxBody bytes that a message can carry; a larger answer becomes `answer-too-large`
 */
export function replyOf(
  outcome: Outcome,
  id: string,
  version: string | undefined,
  maxBody: number,
): EncodedReply {
  if (outcome.body.length > maxBody)
    return encode(tooLarge(id, `It has ${outcome.body.length} bytes; at most ${maxBody} fit.`), id, version);
  const reply = encode(outcome, id, version);
  // Beside a body of the largest size there is so much room and no more; a reply that cannot be sent is none.
  if (reply.headers.length <= HEADER_ROOM_BYTES) return reply;
  return encode(tooLarge(id, `Its headers take more than ${HEADER_ROOM_BYTES} bytes.`), id, version);
}

function encode(
  { outcome, status, contentType, meta, body }: Outcome,
  id: string,
  version: string | undefined,
): EncodedReply {
  const result: ResultEnvelope = {
    id,
    outcome,
    status,
    ...(version === undefined ? undefined : { version }),
    ...(contentType === undefined ? undefined : { contentType }),
    ...(meta === undefined ? undefined : { meta }),
  };
  return { outcome, status, result, headers: encodeResult(result), body };
}

const tooLarge = (id: string, why: string): Outcome =>
  errorOutcome(new MeshError('answer-too-large', why), id);
