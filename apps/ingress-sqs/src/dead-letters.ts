import { createHash } from 'node:crypto';
import type { Message } from '@aws-sdk/client-sqs';
import { v7 } from 'uuid';
import {
  type ControlPath,
  type DeadReason,
  deadSubject,
  decodeHeaders,
  type EventEnvelope,
  encodeDeadLetter,
  encodeWork,
  isMeshError,
} from '#contracts';
import type { StreamWriter } from '#fabric';
import type { InHand } from './in-hand.js';
import type { QueueBinding } from './queue-binding.js';
import { toEvent } from './to-event.js';

export interface DeadLetter {
  readonly reason: DeadReason;
  readonly error: string;
  readonly version?: string;
}

/** JetStream keeps no more than 64 KiB of headers; SQS has up to 1 MiB of attributes. */
const MOST_HEADERS = 60_000;

/**
 * Puts a message into the mesh's own dead letters, for a queue that has none: as the event that its handler would have
 * had, so that it can be replayed. Rejects when the stream has not taken it.
 */
export async function putDeadLetter(
  writer: StreamWriter,
  item: InHand,
  binding: QueueBinding,
  letter: DeadLetter,
): Promise<void> {
  const path = pathOf(item.handler, binding);
  const headers = headersOf(path, item, binding, letter, item.message.MessageAttributes);
  const lean = () => headersOf(path, item, binding, letter, undefined);
  await writer.write(
    deadSubject(path),
    headers.length > MOST_HEADERS ? lean() : headers,
    Buffer.from(item.message.Body ?? ''),
  );
}

function headersOf(
  path: ControlPath,
  item: InHand,
  binding: QueueBinding,
  { reason, error, version }: DeadLetter,
  attributes: Message['MessageAttributes'],
): Uint8Array {
  const at = Date.now();
  const id = stableId(item, binding);
  const pin = isMeshError(item.handler) ? undefined : item.handler.version;
  const event = eventOf({ ...item.message, MessageAttributes: attributes }, binding, item.queueArn, pin);
  return encodeDeadLetter(
    decodeHeaders(encodeWork(path, { ...event, id, acceptedAt: at })),
    { id, replay: 0 },
    { reason, error, attempts: item.receives, at, ...(version === undefined ? {} : { version }) },
  );
}

function eventOf(
  message: Message,
  binding: QueueBinding,
  queueArn: string,
  version: string | undefined,
): EventEnvelope {
  try {
    return toEvent(message, binding, queueArn, version);
  } catch {
    // Its content type is none: that may be why it is here.
    const { 'content-type': _, ...attributes } = message.MessageAttributes ?? {};
    return toEvent({ ...message, MessageAttributes: attributes }, binding, queueArn, version);
  }
}

/** What names no handler stands under its queue: `sqs/orders-fifo`. */
function pathOf(handler: InHand['handler'], { name }: QueueBinding): ControlPath {
  if (!isMeshError(handler)) return handler.path;
  const queue = name.slice(name.search(/[^/:]*$/)).toLowerCase();
  const segment = queue.replace(/[^a-z0-9_-]/g, '-').replace(/^[_-]/, 'q');
  return `sqs/${segment.slice(0, 63)}` as ControlPath;
}

/** A mesh-id that the same message has again, should it be received once more before it is deleted. */
function stableId({ id, message }: InHand, { url, name }: QueueBinding): string {
  const random = createHash('sha256').update(`${url} ${name} ${id}`).digest();
  const msecs = Number(message.Attributes?.SentTimestamp ?? 0);
  return v7({ msecs, seq: random.readUInt32BE(16) >>> 1, random: random.subarray(0, 16) });
}

/** In words for the operator. */
export const wordsOf = ({ message, cause }: Error): string =>
  cause instanceof Error ? `${message} (${cause.message})` : message;
