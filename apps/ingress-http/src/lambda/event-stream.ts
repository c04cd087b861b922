import { EventStreamCodec } from '@smithy/core/event-streams';
import { fromUtf8, toUtf8 } from '@smithy/core/serde';
import { asMeshError, LOG_TAIL_HEADER } from '#contracts';
import type { CallReply } from '#fabric';
import type { HttpResponse } from '../from-result.js';
import type { StreamedResponse } from '../stream-answer.js';
import { describeBreak } from './from-result.js';

/*
 * InvokeWithResponseStream's answer: events in AWS's binary framing (Smithy, "Amazon Event Stream Specification"), a
 * `PayloadChunk` for each piece, then one `InvokeComplete`, which also tells an error: the status was sent by then.
 */

const EVENT_STREAM = 'application/vnd.amazon.eventstream';
const CONTENT_TYPE = 'x-amzn-remapped-content-type';
const NO_BYTES = new Uint8Array(0);
const codec = new EventStreamCodec(toUtf8, fromUtf8);

interface Complete {
  readonly ErrorCode?: string;
  readonly ErrorDetails?: string;
  readonly LogResult?: string;
}

/**
 * What a handler answered, byte for byte: how fast it was decides whether a stream comes in one piece, so text is never
 * made a JSON string, as it is for Invoke.
 */
export function streamedReply({ result, body, rest }: CallReply): StreamedResponse {
  const { id, version, contentType, meta } = result;
  const headers = ['content-type', EVENT_STREAM, 'x-amzn-requestid', id, 'mesh-id', id];
  if (contentType !== undefined) headers.push(CONTENT_TYPE, contentType);
  if (version !== undefined) headers.push('x-amz-executed-version', version);
  const tail = meta?.headers?.[LOG_TAIL_HEADER];
  const complete = typeof tail === 'string' ? { LogResult: tail } : {};
  return { status: 200, headers, body: NO_BYTES, rest: events(body, rest, complete, id) };
}

/** Invoke's answer in the same framing; of what is no run, the error of the service stays as it is. */
export function inEvents(answer: HttpResponse): HttpResponse {
  if (answer.status !== 200 || answer.rest) return answer;
  const { 'content-type': type, 'content-length': _, ...named } = byName(answer.headers);
  const { 'x-amz-function-error': error, 'x-amz-log-result': log, ...kept } = named;
  const complete: Complete = {
    ...(error === undefined ? undefined : { ErrorCode: error, ErrorDetails: textOf(answer.body) }),
    ...(log === undefined ? undefined : { LogResult: log }),
  };
  const body = Buffer.concat([...(error === undefined ? [chunk(answer.body)] : []), completed(complete)]);
  const headers = ['content-type', EVENT_STREAM, 'content-length', String(body.length)];
  if (type !== undefined) headers.push(CONTENT_TYPE, type);
  return { status: 200, headers: [...headers, ...Object.entries(kept).flat()], body };
}

/** @param headers name, value, name, value, … */
const byName = (headers: readonly string[]): Record<string, string> =>
  Object.fromEntries(
    headers.flatMap((name, at) => (at % 2 === 0 ? [[name, headers[at + 1] as string]] : [])),
  );

const textOf = ({ buffer, byteOffset, length }: Uint8Array): string =>
  Buffer.from(buffer, byteOffset, length).toString();

/** Not a generator: one that is given up before it began would not tell the handler's stream. */
function events(
  first: Uint8Array,
  rest: CallReply['rest'],
  complete: Complete,
  id: string,
): AsyncIterableIterator<Uint8Array> {
  const pieces = rest?.[Symbol.asyncIterator]();
  let waiting = first;
  let isOver = false;
  const end = (said: Complete): IteratorResult<Uint8Array> => {
    isOver = true;
    return { value: completed(said), done: false };
  };
  return {
    [Symbol.asyncIterator]() {
      return this;
    },
    async next(): Promise<IteratorResult<Uint8Array>> {
      const piece = waiting;
      waiting = NO_BYTES;
      if (piece.length > 0) return { value: chunk(piece), done: false };
      if (isOver) return { value: undefined, done: true };
      try {
        const step = await pieces?.next();
        return step?.done === false ? { value: chunk(step.value), done: false } : end(complete);
      } catch (error) {
        const { errorType, errorMessage } = describeBreak(asMeshError(error), id);
        return end({ ...complete, ErrorCode: errorType, ErrorDetails: errorMessage });
      }
    },
    async return(): Promise<IteratorResult<Uint8Array>> {
      isOver = true;
      waiting = NO_BYTES;
      await pieces?.return?.();
      return { value: undefined, done: true };
    },
  };
}

const completed = (said: Complete): Uint8Array =>
  encode('InvokeComplete', 'application/json', Buffer.from(JSON.stringify(said)));
const chunk = (piece: Uint8Array): Uint8Array => encode('PayloadChunk', 'application/octet-stream', piece);

const encode = (type: string, contentType: string, body: Uint8Array): Uint8Array =>
  codec.encode({
    headers: {
      ':message-type': { type: 'string', value: 'event' },
      ':event-type': { type: 'string', value: type },
      ':content-type': { type: 'string', value: contentType },
    },
    body,
  });
