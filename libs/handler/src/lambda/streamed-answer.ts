import type { Outcome } from '../outcome.js';
import { toHttpV2 } from './to-answer.js';

/** An answer that goes out as it comes: Lambda's response streaming. */
export interface StreamedAnswer {
  readonly contentType: string;
  /** Taking a piece asks for more; `return()` says that nobody wants the rest. @throws MeshError what broke it off */
  readonly pieces: AsyncIterable<Uint8Array>;
}

/** "Response streaming": the body begins with JSON of status, headers and cookies, then eight NUL bytes. */
const PRELUDE_TYPE = 'application/vnd.awslambda.http-integration-response';
const PRELUDE_END = Buffer.alloc(8);
const BINARY = 'application/octet-stream';

/** For a function URL: with its head, whether or not there is more to come. */
export function streamedHttp(outcome: Outcome): StreamedAnswer {
  const { statusCode, headers, cookies } = toHttpV2(outcome);
  const prelude = Buffer.from(JSON.stringify({ statusCode, headers, ...(cookies ? { cookies } : {}) }));
  return { contentType: PRELUDE_TYPE, pieces: joined([prelude, PRELUDE_END, outcome.body], outcome.rest) };
}

/** For who invoked with a payload of his own. */
export function streamedValue({ contentType = BINARY, body, rest }: Outcome): StreamedAnswer {
  return { contentType, pieces: joined([body], rest) };
}

async function* joined(
  first: readonly Uint8Array[],
  rest: AsyncIterable<Uint8Array> | undefined,
): AsyncGenerator<Uint8Array> {
  let wanted = false;
  try {
    yield Buffer.concat(first);
    wanted = true;
    if (rest) yield* rest;
  } finally {
    // Begun, so that the handler is told that nobody wants it.
    if (!wanted && rest) for await (const _ of rest) break;
  }
}
