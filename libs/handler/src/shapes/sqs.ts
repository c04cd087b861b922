import { isUtf8 } from 'node:buffer';
import { MeshError } from '../../../contracts/src/errors.js';
import { LAMBDA_ACCOUNT, LAMBDA_REGION } from '../../../contracts/src/lambda-names.js';
import type { SqsRecord, SqsRecordAttribute } from '../author-types.js';
import { decodeBody } from '../decode-body.js';
import { jsonAnswer } from './lambda-answer.js';
import type { Asked, Shape } from './shape.js';

/*
 * SQS's event as Lambda gives it, and its partial failure (Developer Guide, "Using Lambda with Amazon SQS"). A batch was
 * made by the queue's ingress, which also reads the answer. Anything else is one record; where that is reported as
 * failed the run has failed, and is tried again as if the handler had thrown.
 */
export const sqs: Shape = {
  document: (asked) =>
    isBatch(asked) ? decodeBody(asked.raw, asked.envelope.contentType) : { Records: [recordOf(asked)] },
  answer: (returned, asked) => {
    if (isBatch(asked)) return jsonAnswer(returned);
    if (!hasSucceeded(returned)) throw new MeshError('handler-error', 'It reported its message as failed.');
    return jsonAnswer(returned);
  },
};

/** By a call when it is needed: loading `crypto` is a tenth of a worker's start, and hardly any handler gets here. */
const md5Of = (body: string): string => process.getBuiltinModule('node:crypto').hash('md5', body);

/** What the queue's ingress says of a message. */
interface FromQueue {
  readonly messageId?: string;
  readonly queue?: string;
  readonly queueArn?: string;
  readonly md5OfBody?: string;
  readonly records?: number;
  readonly systemAttributes?: Record<string, string>;
  readonly messageAttributes?: Record<
    string,
    { dataType: string; stringValue?: string; binaryValue?: string }
  >;
}

const factsOf = ({ envelope: { meta } }: Asked): FromQueue =>
  meta.source === 'sqs' ? ((meta.attributes ?? {}) as FromQueue) : {};
const isBatch = (asked: Asked): boolean => factsOf(asked).records !== undefined;
const idOf = (asked: Asked): string => factsOf(asked).messageId ?? asked.envelope.id;

function recordOf(asked: Asked): SqsRecord {
  const { path, raw, attempt, now } = asked;
  const { queue = path, queueArn, md5OfBody, systemAttributes, messageAttributes = {} } = factsOf(asked);
  const body = textOf(raw);
  // What came from no queue has one made up.
  const arn = queueArn || `arn:aws:sqs:${LAMBDA_REGION}:${LAMBDA_ACCOUNT}:${queue.replaceAll('/', '-')}`;
  return {
    messageId: idOf(asked),
    // Its own ingress deletes it: there is nothing to be done with a handle.
    receiptHandle: asked.envelope.id,
    body,
    attributes: systemAttributes ?? {
      ApproximateReceiveCount: String(attempt),
      SentTimestamp: String(now),
      SenderId: `lambda-mesh:${asked.envelope.meta.source}`,
      ApproximateFirstReceiveTimestamp: String(now),
    },
    messageAttributes: Object.fromEntries(
      Object.entries(messageAttributes).map(([name, value]) => [name, attributeOf(value)]),
    ),
    md5OfBody: md5OfBody ?? md5Of(body),
    eventSource: 'aws:sqs',
    eventSourceARN: arn,
    awsRegion: arn.split(':')[3] ?? '',
  };
}

/** A message's body is text. */
function textOf(raw: Uint8Array): string {
  return Buffer.from(raw.buffer, raw.byteOffset, raw.byteLength).toString(isUtf8(raw) ? 'utf8' : 'base64');
}

const attributeOf = (value: {
  dataType: string;
  stringValue?: string;
  binaryValue?: string;
}): SqsRecordAttribute => ({
  ...value,
  stringListValues: [],
  binaryListValues: [],
});

/** Succeeded: nothing, or no failures in it. Failed: itself; and whatever makes no sense. */
function hasSucceeded(returned: unknown): boolean {
  if (returned === undefined || returned === null || returned === '') return true;
  if (typeof returned !== 'object' || Array.isArray(returned)) return false;
  const failures = (returned as { batchItemFailures?: unknown }).batchItemFailures ?? [];
  return Array.isArray(failures) && failures.length === 0;
}
