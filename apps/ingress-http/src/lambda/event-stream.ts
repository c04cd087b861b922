import { EventStreamCodec } from '@smithy/core/event-streams';
import { fromUtf8, toUtf8 } from '@smithy/core/serde';
import { asMeshError, isErrorCode, LOG_TAIL_HEADER, type ResultEnvelope } from '#contracts';
import type { CallReply } from '#fabric';
import type { HttpResponse } from '../from-result.js';
import { describeBreak, fromReply } from './from-result.js';

/*
 * InvokeWithResponseStream's answer: events in AWS's binary framing (Smithy, "Amazon Event Stream Specification"), a
 * `PayloadChunk` for each piece, then one `InvokeComplete`, which also tells an error: the status was sent by then.
 */

const EVENT_STREAM = 'application/vnd.amazon.eventstream';
const NO_BYTES = new Uint8Array(0);
const codec = new EventStreamCodec(toUtf8, fromUtf8);

interface Complete {
  readonly ErrorCode?: string;
  readonly ErrorDetails?: string;
  readonly LogResult?: string;
}

/** A handler's answer, as it comes; what the mesh could not run is an error of the service, as from Invoke. */
export function streamedReply(reply: CallReply): HttpResponse {
  const { result, body, rest } = reply;
  const complete: Complete = logOf(result);
  if (result.outcome === 'ok') return answerOf(result, chunks(body), complete, rest);
  const { rest: _, ...whole } = reply;
  const answer = fromReply(whole);
  if (answer.status !== 200) return answer;
  const failed = {
    ErrorCode: isErrorCode(result.outcome) ? 'Unhandled' : 'Handled',
    ErrorDetails: Buffer.from(answer.body.buffer, answer.body.byteOffset, answer.body.length).toString(),
    ...complete,
  };
  return answerOf(result, [], failed, undefined);
}

function answerOf(
  { id, version, contentType }: ResultEnvelope,
  first: Uint8Array[],
  complete: Complete,
  rest: CallReply['rest'],
): HttpResponse {
  const headers = ['content-type', EVENT_STREAM, 'x-amzn-requestid', id, 'mesh-id', id];
  if (contentType !== undefined) headers.push('x-amzn-remapped-content-type', contentType);
  if (version !== undefined) headers.push('x-amz-executed-version', version);
  return { status: 200, headers, body: NO_BYTES, rest: events(first, rest, complete, id) };
}

/** Not a generator: one that is given up before it began would not tell the handler's stream. */
function events(
  first: Uint8Array[],
  rest: CallReply['rest'],
  complete: Complete,
  id: string,
): AsyncIterableIterator<Uint8Array> {
  const pieces = rest?.[Symbol.asyncIterator]();
  const waiting = [...first];
  let isOver = false;
  const end = (said: Complete): IteratorResult<Uint8Array> => {
    isOver = true;
    return {
      value: encode('InvokeComplete', 'application/json', Buffer.from(JSON.stringify(said))),
      done: false,
    };
  };
  return {
    [Symbol.asyncIterator]() {
      return this;
    },
    async next(): Promise<IteratorResult<Uint8Array>> {
      const event = waiting.shift();
      if (event) return { value: event, done: false };
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
      waiting.length = 0;
      await pieces?.return?.();
      return { value: undefined, done: true };
    },
  };
}

const chunks = (body: Uint8Array): Uint8Array[] => (body.length === 0 ? [] : [chunk(body)]);
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

function logOf({ meta }: ResultEnvelope): Complete {
  const tail = meta?.headers?.[LOG_TAIL_HEADER];
  return typeof tail === 'string' ? { LogResult: tail } : {};
}
