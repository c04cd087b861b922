import { asMeshError } from '#contracts';
import { EXIT, type ExitCode } from '../exit.js';

/** An event to be sent, whichever way. */
export interface Outgoing {
  readonly query: readonly (readonly [string, string])[];
  readonly headers: readonly (readonly [string, string])[];
  readonly body: Uint8Array | undefined;
  readonly contentType: string | undefined;
  readonly method: string | undefined;
  /** Milliseconds. */
  readonly timeout: number;
}

export interface Answer {
  /** `ok`, `failed` (the handler said no), or a code of docs/errors.md. */
  readonly outcome: string;
  readonly status: number;
  readonly version: string | undefined;
  readonly id: string;
  readonly contentType: string | undefined;
  readonly body: Uint8Array;
  /** What follows, where it comes in pieces. @throws MeshError what broke it off */
  readonly rest?: AsyncIterable<Uint8Array>;
}

/**
 * Takes what follows of an answer.
 * @param take called with each piece, as it comes
 * @returns the answer with the outcome that it has in the end
 */
export async function takeRest(answer: Answer, take: (piece: Uint8Array) => void): Promise<Answer> {
  try {
    for await (const piece of answer.rest ?? []) take(piece);
    return answer;
  } catch (error) {
    return { ...answer, outcome: asMeshError(error).code };
  }
}

export function exitOf({ outcome }: Answer): ExitCode {
  if (outcome === 'ok') return EXIT.done;
  return outcome === 'failed' ? EXIT.refused : EXIT.failed;
}
