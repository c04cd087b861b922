import { asMeshError } from '../../contracts/src/errors.js';
import { errorOutcome, type Outcome } from './outcome.js';

/** An outcome, and the pieces in which its body came. */
export interface Taken {
  readonly outcome: Outcome;
  readonly pieces: readonly Uint8Array[];
}

/**
 * Takes a body as it comes. Where it breaks off the outcome says why, and its body is what came before. Never rejects.
 * @param most pieces; then nobody wants more
 */
export async function takePieces(begun: Outcome, meshId: string, most: number): Promise<Taken> {
  const { rest, ...whole } = begun;
  const pieces = begun.body.length > 0 ? [begun.body] : [];
  let outcome: Outcome = whole;
  try {
    if (rest) await takeRest(rest, pieces, most);
  } catch (error) {
    const fault = asMeshError(error);
    outcome = { ...errorOutcome(fault, meshId, fault.cause), status: whole.status };
  }
  return { outcome: { ...outcome, body: Buffer.concat(pieces) }, pieces };
}

async function takeRest(rest: AsyncIterable<Uint8Array>, pieces: Uint8Array[], most: number): Promise<void> {
  const iterator = rest[Symbol.asyncIterator]();
  while (pieces.length < most) {
    const { done, value } = await iterator.next();
    if (done) return;
    pieces.push(value);
  }
  await iterator.return?.();
}
