import type { OutcomeCode, ResultMeta } from '../../contracts/src/envelope.js';
import { ERRORS, type MeshError, PROBLEM_JSON, problemOf } from '../../contracts/src/errors.js';

/** How a run ended, ready to be sent. For an error the body is the problem (RFC 9457) that outsiders get. */
export interface Outcome {
  readonly outcome: OutcomeCode;
  readonly status: number;
  readonly contentType?: string;
  readonly meta?: ResultMeta;
  readonly body: Uint8Array;
  /**
   * What follows `body`, where the answer comes in pieces; absent: `body` is all. Taking a piece asks for more, and
   * `return()` says that nobody wants the rest: one of them must be done to the end.
   * @throws MeshError what broke it off
   */
  readonly rest?: AsyncIterable<Uint8Array>;
  /** Why, for outsiders; says nothing of the inside. */
  readonly detail?: string;
  /** What was thrown, for the operator's log alone. */
  readonly cause?: OutcomeCause;
}

/** A thrown value as plain text: it may have to cross a thread. */
export interface OutcomeCause {
  readonly name: string;
  readonly message: string;
  readonly stack?: string;
}

/** An error of the mesh as an outcome; `meshId` is what the caller may quote to an operator. */
export function errorOutcome(
  error: Pick<MeshError, 'code' | 'detail'>,
  meshId: string,
  cause?: unknown,
): Outcome & { readonly rest?: never } {
  return {
    outcome: error.code,
    status: ERRORS[error.code].status,
    contentType: PROBLEM_JSON,
    body: Buffer.from(JSON.stringify(problemOf(error, meshId))),
    ...(error.detail === undefined ? undefined : { detail: error.detail }),
    ...(cause === undefined ? undefined : { cause: describe(cause) }),
  };
}

const MAX_TEXT = 8192;

/** Reads a thrown value that may be anything, also one whose getters throw. */
export function describe(thrown: unknown): OutcomeCause {
  if (typeof thrown !== 'object' || thrown === null)
    return { name: typeof thrown, message: textOf(() => thrown) ?? '' };
  const error = thrown as Partial<Error>;
  const stack = textOf(() => error.stack);
  return {
    name: textOf(() => error.name) ?? 'Error',
    message: textOf(() => error.message) ?? textOf(() => JSON.stringify(thrown)) ?? '(unreadable)',
    ...(stack === undefined ? undefined : { stack }),
  };
}

function textOf(read: () => unknown): string | undefined {
  try {
    const value = read();
    return value === undefined ? undefined : String(value).slice(0, MAX_TEXT);
  } catch {
    return undefined;
  }
}
