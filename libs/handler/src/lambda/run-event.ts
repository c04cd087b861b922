import { ERRORS } from '../../../contracts/src/errors.js';
import type { Outcome } from '../outcome.js';
import { type ErrorReport, reportOf } from './error-report.js';
import { type Recognised, recognise, type SqsEvent, type SqsEventRecord } from './lambda-events.js';
import type { Loaded } from './loaded.js';
import { type LambdaRun, runDelivered } from './run-delivered.js';
import { type StreamedAnswer, streamedHttp, streamedValue } from './streamed-answer.js';
import { toHttpV1, toHttpV2, toPayload } from './to-answer.js';
import {
  type Delivered,
  fromCloudEvent,
  fromHttpV1,
  fromHttpV2,
  fromPayload,
  fromSqsBatch,
  fromSqsRecord,
} from './to-envelope.js';

/** What is sent back: the answer, whole or in pieces, or an error. */
export type Ran =
  | { readonly answer: Uint8Array; readonly ok: boolean }
  | { readonly streamed: StreamedAnswer }
  | { readonly error: ErrorReport; readonly outcome: Outcome };

/** Runs the handler on an event of Lambda's, in the form that it has, by the code that an executor runs it with. */
export async function runEvent(loaded: Loaded, asked: LambdaRun): Promise<Ran> {
  const known = recognise(parse(asked.body));
  const streams = asked.streams === true && known.form !== 'apigateway-v1' && known.form !== 'sqs';
  const run = { ...asked, streams };
  // It was written for this very document.
  if (takesAsIs(loaded, known))
    return answered(
      // What was written into a stream has its head beside it, not in it.
      loaded.handler.streams ? known : { form: 'payload' },
      await runDelivered(loaded, run, fromPayload(run.body, run.id, run.caller)),
      streams,
    );
  if (known.form === 'sqs' && !loaded.takesBatches) return runRecords(loaded, run, known.event);
  return answered(known, await runDelivered(loaded, run, delivered(loaded, run, known)), streams);
}

/** A document of Lambda's own; of another form than the handler's, HTTP and messages are made into it as in the mesh. */
function takesAsIs({ event }: Loaded, { form }: Recognised): boolean {
  const isLambda = event === 'apigateway-v1' || event === 'apigateway-v2' || event === 'sqs';
  return isLambda && (form === event || form === 'payload' || form === 'cloudevents');
}

function answered(known: Pick<Recognised, 'form'>, outcome: Outcome, streams: boolean): Ran {
  if (!isAnswer(known, outcome)) return { error: reportOf(outcome), outcome };
  // A function URL that streams expects every answer so.
  if (streams && known.form === 'apigateway-v2') return { streamed: streamedHttp(outcome) };
  return outcome.rest === undefined
    ? { answer: answerOf(known, outcome), ok: outcome.outcome === 'ok' }
    : { streamed: streamedValue(outcome) };
}

/** Over HTTP the handler's own no is an answer, and so is what the caller did wrong; of other errors Lambda must know. */
function isAnswer({ form }: Pick<Recognised, 'form'>, { outcome }: Outcome): boolean {
  if (outcome === 'ok') return true;
  const isHttp = form === 'apigateway-v1' || form === 'apigateway-v2';
  return isHttp && (outcome === 'failed' || ERRORS[outcome].fault === 'caller');
}

function delivered({ params }: Loaded, { id, body, caller }: LambdaRun, known: Recognised): Delivered {
  switch (known.form) {
    case 'apigateway-v2':
      return fromHttpV2(known.event, id, params);
    case 'apigateway-v1':
      return fromHttpV1(known.event, id, params);
    case 'sqs':
      return fromSqsBatch(known.event, body, id);
    case 'cloudevents':
      return fromCloudEvent(body, id, caller);
    case 'payload':
      return fromPayload(body, id, caller);
  }
}

function answerOf({ form }: Pick<Recognised, 'form'>, outcome: Outcome): Uint8Array {
  switch (form) {
    case 'apigateway-v2':
      return Buffer.from(JSON.stringify(toHttpV2(outcome)));
    case 'apigateway-v1':
      return Buffer.from(JSON.stringify(toHttpV1(outcome)));
    default:
      return toPayload(outcome);
  }
}

/**
 * Each message is an event of its own, as in the mesh; those that did not end OK are given back to the queue. Lambda
 * heeds that only where the event source mapping has `ReportBatchItemFailures`.
 */
async function runRecords(loaded: Loaded, run: LambdaRun, { Records }: SqsEvent): Promise<Ran> {
  // By its name: a message of a standard queue may have a group too, for fairness.
  const isFifo = Records.some(({ eventSourceARN }) => eventSourceARN?.endsWith('.fifo'));
  const failed = isFifo ? await inOrder(loaded, run, Records) : await together(loaded, run, Records);
  const batchItemFailures = failed.map((itemIdentifier) => ({ itemIdentifier }));
  return { answer: Buffer.from(JSON.stringify({ batchItemFailures })), ok: failed.length === 0 };
}

async function together(
  loaded: Loaded,
  run: LambdaRun,
  records: readonly SqsEventRecord[],
): Promise<string[]> {
  const ended = await Promise.all(records.map((record) => isDone(loaded, run, record)));
  return records.filter((_, at) => !ended[at]).map(({ messageId }) => messageId);
}

/** Stops at the first failure and gives back the rest: what came later must not overtake it. */
async function inOrder(
  loaded: Loaded,
  run: LambdaRun,
  records: readonly SqsEventRecord[],
): Promise<string[]> {
  for (const [at, record] of records.entries())
    if (!(await isDone(loaded, run, record))) return records.slice(at).map(({ messageId }) => messageId);
  return [];
}

async function isDone(loaded: Loaded, run: LambdaRun, record: SqsEventRecord): Promise<boolean> {
  const outcome = await runDelivered(loaded, run, fromSqsRecord(record));
  if (outcome.outcome === 'ok') return true;
  const { document } = reportOf(outcome);
  run.log('error', record.messageId, 'The message is given back to its queue.', document);
  return false;
}

/** What is no JSON is a payload, which the handler's own decoding refuses. */
function parse(body: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString());
  } catch {
    return undefined;
  }
}
