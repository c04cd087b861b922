import type { Message, MessageAttributeValue } from '@aws-sdk/client-sqs';
import { v7 as uuidv7 } from 'uuid';
import {
  DEFAULT_TIMEOUT_MS,
  type EventEnvelope,
  MeshError,
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
 * Whom a message is for: the queue's handler, which the operator chose and no producer overrides, or the one that
 * the message attribute `path` names.
 * @throws MeshError `bad-path`
 */
export function handlerOf(message: Message, { handler }: QueueBinding): Reference {
  if (handler) return handler;
  const path = textAttribute(message, 'path');
  if (path === undefined)
    throw new MeshError('bad-path', 'The message has no string attribute "path", and its queue no handler.');
  return parseReference(path);
}

/**
 * A message as an event. `attributes` is what SQS knows of it, with Lambda's names:
 *
 *     { messageId, queue, md5OfBody, systemAttributes: { ApproximateReceiveCount: "1", … },
 *       messageAttributes: { name: { dataType, stringValue } or { dataType, binaryValue: base64 } } }
 *
 * @throws MeshError `unsupported-media-type`
 */
export function toEvent(
  message: Message,
  { name }: QueueBinding,
  version: string | undefined,
  route: Route,
): EventEnvelope {
  const contentType = contentTypeOf(message);
  const traceparent = textAttribute(message, 'traceparent');
  return {
    id: uuidv7(),
    timeout: timeoutOf(route),
    meta: { source: 'sqs', caller: name, attributes: attributesOf(message, name) },
    ...(version === undefined ? undefined : { version }),
    ...(contentType === undefined ? undefined : { contentType }),
    ...(traceparent === undefined || !TRACEPARENT.test(traceparent) ? undefined : { traceparent }),
  };
}

function attributesOf(message: Message, queue: string) {
  const { MessageId = '', MD5OfBody = '', Attributes = {}, MessageAttributes = {} } = message;
  return {
    messageId: MessageId,
    queue,
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
function timeoutOf({ versions }: Route): number {
  const limits = versions.map(({ limits }) => limits.timeoutMs ?? DEFAULT_TIMEOUT_MS);
  return Math.max(...limits) + ANSWER_GRACE_MS;
}
