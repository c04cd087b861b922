import { encodeResult, MeshError } from '#contracts';
import { errorOutcome, type Outcome } from '#handler/runtime';

export interface EncodedReply {
  readonly outcome: Outcome['outcome'];
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
  const fits = outcome.body.length <= maxBody ? outcome : tooLarge(outcome, id, maxBody);
  const { outcome: code, status, contentType, meta, body } = fits;
  const headers = encodeResult({
    id,
    outcome: code,
    status,
    ...(version === undefined ? undefined : { version }),
    ...(contentType === undefined ? undefined : { contentType }),
    ...(meta === undefined ? undefined : { meta }),
  });
  return { outcome: code, headers, body };
}

function tooLarge({ body }: Outcome, id: string, maxBody: number): Outcome {
  return errorOutcome(
    new MeshError('answer-too-large', `It has ${body.length} bytes; at most ${maxBody} fit.`),
    id,
  );
}
