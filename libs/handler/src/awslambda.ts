import type { PassThrough } from 'node:stream';

/*
 * Lambda's own way of answering in pieces ("Response streaming for Lambda functions"): a function that the global
 * `awslambda.streamifyResponse` has marked writes into a stream that it is given between its event and its context.
 */

/** The mark that Lambda's runtime for Node.js uses, so that what others have marked counts as well. */
const MARK = Symbol.for('aws.lambda.runtime.handler.streaming');
/** From the global registry: the global may be of another copy of this package. */
const HEAD = Symbol.for('lambda-mesh.response-head');

/** What is said of the answer before its first piece. */
interface Head {
  contentType?: string;
  /** As it was given to `HttpResponseStream.from`. */
  metadata?: Readonly<Record<string, unknown>>;
}
type ResponseStream = PassThrough & { readonly [HEAD]: Head; setContentType(type: string): void };
type Marked = (event: unknown, stream: ResponseStream, context: unknown) => unknown;

const OFFERED = {
  streamifyResponse: <T extends object>(fn: T): T => Object.assign(fn, { [MARK]: 'response' }),
  HttpResponseStream: {
    from(stream: ResponseStream, metadata: Head['metadata'] = {}): ResponseStream {
      stream[HEAD].metadata = metadata;
      return stream;
    },
  },
};

/** Before a handler's module is imported: its functions are marked then. */
export function offerAwslambda(): void {
  const known = globalThis as { awslambda?: object };
  // AWS's SDK keeps something of its own in it.
  known.awslambda = Object.assign(known.awslambda ?? {}, OFFERED);
}

export const isMarked = (fn: object): boolean => (fn as { [MARK]?: unknown })[MARK] === 'response';

/** A function as one that returns its answer: itself, unless it is marked. */
export function returning<Fn extends (...given: never[]) => unknown>(fn: Fn): Fn {
  if (!isMarked(fn)) return fn;
  const run = (event: unknown, context: unknown) => intoStream(fn as unknown as Marked, event, context);
  return run as unknown as Fn;
}

/** Resolves with the answer when its first piece is there, or its end. */
async function intoStream(fn: Marked, event: unknown, context: unknown): Promise<unknown> {
  const stream = responseStream();
  const begun = Promise.withResolvers<void>();
  stream.once('readable', begun.resolve).once('error', begun.reject);
  const broke = (error: unknown) => {
    begun.reject(error);
    stream.destroy(error instanceof Error ? error : new Error(String(error)));
  };
  void toItsEnd(fn, event, stream, context).catch(broke);
  await begun.promise;
  return answerOf(stream);
}

function responseStream(): ResponseStream {
  // When it is needed: what a worker loads at its start each of its first callers waits for.
  const { PassThrough } = process.getBuiltinModule('node:stream');
  const head: Head = {};
  const setContentType = (type: string) => {
    head.contentType = type;
  };
  return Object.assign(new PassThrough(), { [HEAD]: head, setContentType });
}

async function toItsEnd(fn: Marked, event: unknown, stream: ResponseStream, context: unknown): Promise<void> {
  await fn(event, stream, context);
  // As on Lambda: nobody would write to it any more, and the caller would wait for the rest.
  if (!stream.writableEnded) throw stream.errored ?? new Error(UNFINISHED);
}

const UNFINISHED =
  'Its response stream is not finished. Call end(), or await the pipeline into it, before the function returns.';

function answerOf(stream: ResponseStream): unknown {
  const { metadata, contentType } = stream[HEAD];
  if (metadata) {
    const { statusCode = 200, headers, cookies } = metadata;
    return { statusCode: Number(statusCode), headers, cookies, body: stream };
  }
  if (contentType === undefined) return stream;
  return { statusCode: 200, headers: { 'content-type': contentType }, body: stream };
}
