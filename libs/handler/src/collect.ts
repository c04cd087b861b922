import { asMeshError, MeshError } from '../../contracts/src/errors.js';
import { errorOutcome, type Outcome } from './outcome.js';

/**
 * An outcome with all of its body, for who cannot take it in pieces. Never rejects.
 * @param meshId of the event that it answers
 * @param limit bytes; an answer that has more is `answer-too-large`, and its handler is told that nobody wants the rest
 */
export async function collect(outcome: Outcome, meshId: string, limit: number): Promise<Outcome> {
  const { rest, ...whole } = outcome;
  if (rest === undefined) return outcome;
  const pieces = [outcome.body];
  let size = outcome.body.length;
  const fault = await each(rest, meshId, (piece) => {
    size += piece.length;
    if (size > limit) throw new MeshError('answer-too-large', `At most ${limit} bytes fit.`);
    pieces.push(piece);
  });
  return fault ?? { ...whole, body: Buffer.concat(pieces) };
}

/** The same where nobody keeps the rest of its body: the handler is led to its end, which may be a failure. */
export async function toItsEnd({ rest, ...whole }: Outcome, meshId: string): Promise<Outcome> {
  return (rest && (await each(rest, meshId, () => undefined))) ?? whole;
}

/** @returns what broke it off */
async function each(
  rest: AsyncIterable<Uint8Array>,
  meshId: string,
  take: (piece: Uint8Array) => void,
): Promise<Outcome | undefined> {
  try {
    for await (const piece of rest) take(piece);
    return undefined;
  } catch (error) {
    const fault = asMeshError(error);
    return errorOutcome(fault, meshId, fault.cause);
  }
}
