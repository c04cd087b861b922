import type { Message, MessageAttributeValue } from '@aws-sdk/client-sqs';

/*
 * Several messages as one event, and what the handler says of each: the shapes of AWS Lambda (Developer Guide,
 * "Using Lambda with Amazon SQS" and "Handling errors for an SQS event source").
 */

/** `{"Records": […]}` */
export function encodeRecords(messages: readonly Message[], queueArn: string): Uint8Array {
  return Buffer.from(JSON.stringify({ Records: messages.map((message) => recordOf(message, queueArn)) }));
}

function recordOf(message: Message, queueArn: string) {
  const { MessageId, ReceiptHandle, Body, Attributes = {}, MessageAttributes = {}, MD5OfBody } = message;
  return {
    messageId: MessageId ?? '',
    receiptHandle: ReceiptHandle ?? '',
    body: Body ?? '',
    attributes: Attributes,
    messageAttributes: Object.fromEntries(
      Object.entries(MessageAttributes).map(([name, value]) => [name, attributeOf(value)]),
    ),
    md5OfBody: MD5OfBody ?? '',
    eventSource: 'aws:sqs',
    eventSourceARN: queueArn,
    // arn:aws:sqs:<region>:<account>:<name>
    awsRegion: queueArn.split(':')[3] ?? '',
  };
}

function attributeOf({ DataType = 'String', StringValue, BinaryValue }: MessageAttributeValue) {
  return {
    ...(StringValue === undefined ? {} : { stringValue: StringValue }),
    ...(BinaryValue === undefined ? {} : { binaryValue: Buffer.from(BinaryValue).toString('base64') }),
    stringListValues: [],
    binaryListValues: [],
    dataType: DataType,
  };
}

/**
 * The ids of the messages that a handler says have failed; `'all'` also where what it says makes no sense, because
 * a message that is run again is better than one that is lost.
 *
 * - none: an empty answer or `null`; no `batchItemFailures`, or `null`, or an empty list
 * - all: no JSON; not a list; an entry without `itemIdentifier`, with an empty one, or with one that is not in hand
 */
export function failuresIn(answer: Uint8Array, ids: ReadonlySet<string>): ReadonlySet<string> | 'all' {
  const said = parse(answer);
  if (said === undefined) return 'all';
  const list = listIn(said);
  if (!Array.isArray(list)) return 'all';
  const failed = list.map((entry) => (entry as { itemIdentifier?: unknown } | null)?.itemIdentifier);
  return failed.every((id) => typeof id === 'string' && ids.has(id)) ? new Set(failed as string[]) : 'all';
}

function listIn(said: unknown): unknown {
  if (said === null) return [];
  if (typeof said !== 'object' || Array.isArray(said)) return undefined;
  return (said as { batchItemFailures?: unknown }).batchItemFailures ?? [];
}

function parse(answer: Uint8Array): unknown {
  const text = Buffer.from(answer.buffer, answer.byteOffset, answer.byteLength).toString();
  if (text.trim() === '') return null;
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
