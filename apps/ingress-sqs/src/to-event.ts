import type { Message, MessageAttributeValue } from '@aws-sdk/client-sqs';
import {
  DEFAULT_TIMEOUT_MS,
  type EventEnvelope,
  MeshError,
  mintMeshId,
  parseReference,
  type Reference,
  type Route,
} from '#contracts';
import type { QueueBinding } from './queue-binding.js';

// https://www.w3.org/TR/trace-context/#traceparent-header
const TRACEPARENT = /^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/;
// RFC 9110, clause 8.3.1: type "/" subtype, then parameters.
const MEDIA_TYPE = /^[!#$%&'*+.^_`|~0-9a-z-]+\/[!#$%&'*+.^_`|~0-9a-z-]+\s*(;|$)/i;

/** How much longer than the handler's own limit an answer is waited for, ms: so that its own error arrives. */
const ANSWER_GRACE_MS = 1_000;

/**
 * Whom a message is for: the queue's handler, which no producer overrides; else the one that the message attribute
 * `path` names; else the one whose trigger names the queue.
 * @throws MeshError `bad-path`
 */
export function handlerOf(message: Message, { handler, fallback }: QueueBinding): Reference {
  if (handler) return handler;
  const path = textAttribute(message, 'path');
  if (path === undefined && fallback) return fallback;
  if (path === undefined)
    throw new MeshError('bad-path', 'The message has no string attribute "path", and its queue no handler.');
  return parseReference(path);
}

/**
 * A message as an event, without a time limit. `attributes` is what SQS knows of it, with Lambda's names:
 *
 *     { messageId, queue, queueArn, md5OfBody, systemAttributes: { ApproximateReceiveCount: "1", … },
 *       messageAttributes: { name: { dataType, stringValue } or { dataType, binaryValue: base64 } } }
 *
 * @throws MeshError `unsupported-media-type`
 */
export function toEvent(
  message: Message,
  { name }: QueueBinding,
  queueArn: string,
  version: string | undefined,
): EventEnvelope {
  const contentType = contentTypeOf(message);
  const traceparent = textAttribute(message, 'traceparent');
  return {
    id: mintMeshId(),
    meta: { source: 'sqs', caller: name, attributes: attributesOf(message, name, queueArn) },
    ...(version === undefined ? undefined : { version }),
    ...(contentType === undefined ? undefined : { contentType }),
    ...(traceparent === undefined || !TRACEPARENT.test(traceparent) ? undefined : { traceparent }),
  };
}

/**
 * Several messages as one event, whose body is {@link encodeRecords}: `attributes` is `{ queue, records: 3 }`, and by
 * `records` a handler's side knows that it is such an event.
 */
export function toBatchEvent(
  records: number,
  { name }: QueueBinding,
  version: string | undefined,
): EventEnvelope {
  return {
    id: mintMeshId(),
    contentType: 'application/json',
    meta: { source: 'sqs', caller: name, attributes: { queue: name, records } },
    ...(version === undefined ? undefined : { version }),
  };
}

function attributesOf(message: Message, queue: string, queueArn: string) {
  const { MessageId = '', MD5OfBody = '', Attributes = {}, MessageAttributes = {} } = message;
  return {
    messageId: MessageId,
    queue,
    queueArn,
    md5OfBody: MD5OfBody,
    systemAttributes: Attributes as Record<string, string>,
    messageAttributes: Object.fromEntries(
      Object.entries(MessageAttributes).map(([name, value]) => [name, attributeOf(value)]),
    ),
  };
}

function attributeOf(value: MessageAttributeValue): Record<string, string> {
  const { DataType = 'String', StringValue, BinaryValue } = value;
  return BinaryValue === undefined
    ? { dataType: DataType, stringValue: StringValue ?? '' }
    : { dataType: DataType, binaryValue: Buffer.from(BinaryValue).toString('base64') };
}

function contentTypeOf(message: Message): string | undefined {
  const type = textAttribute(message, 'content-type');
  if (type !== undefined && !MEDIA_TYPE.test(type))
    throw new MeshError(
      'unsupported-media-type',
      'The attribute "content-type" must look like application/json.',
    );
  return type;
}

const textAttribute = ({ MessageAttributes }: Message, name: string): string | undefined =>
  MessageAttributes?.[name]?.StringValue;

/** The handler's own limit, ms, and the grace; with several versions live the longest, since the executor picks. */
export function timeoutOf({ versions }: Route): number {
  const limits = versions.map(({ limits }) => limits.timeoutMs ?? DEFAULT_TIMEOUT_MS);
  return Math.max(...limits) + ANSWER_GRACE_MS;
}
