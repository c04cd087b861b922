import { asMeshError, ERRORS, MeshError } from '../../../contracts/src/errors.js';
import type { LogLevel } from '../author-types.js';
import { buildEvent } from '../build-event.js';
import type { Host } from '../host.js';
import { errorOutcome, type Outcome } from '../outcome.js';
import { runHandler } from '../run-handler.js';
import { type ErrorReport, reportOf } from './error-report.js';
import { type Recognised, recognise, type SqsEvent, type SqsEventRecord } from './lambda-events.js';
import type { Loaded } from './loaded.js';
import { toHttpV1, toHttpV2, toValue } from './to-answer.js';
import {
  type Delivered,
  fromCloudEvent,
  fromHttpV1,
  fromHttpV2,
  fromPayload,
  fromSqsBatch,
  fromSqsRecord,
} from './to-envelope.js';

/** One event of Lambda's, and what is known of its run. */
export interface LambdaRun {
  /** Lambda's request id. */
  readonly id: string;
  readonly body: Uint8Array;
  /** On the scale of `performance.now()`, ms. */
  readonly deadline: number;
  readonly log: (level: LogLevel, id: string, message: string, fields?: object) => void;
}

/** What is sent back: the answer, JSON text, or an error. */
export type Ran = { readonly answer: string } | { readonly error: ErrorReport; readonly outcome: Outcome };

/** Runs the handler on an event of Lambda's, in the form that it has, by the code that an executor runs it with. */
export async function runEvent(loaded: Loaded, run: LambdaRun): Promise<Ran> {
  const known = recognise(parse(run.body));
  if (known.form === 'sqs' && !loaded.takesBatches) return runRecords(loaded, run, known.event);
  const outcome = await runOne(loaded, run, delivered(loaded, run, known));
  return isAnswer(known, outcome)
    ? { answer: answerOf(known, outcome) }
    : { error: reportOf(outcome), outcome };
}

/** Over HTTP the handler's own no is an answer, and so is what the caller did wrong; of other errors Lambda must know. */
function isAnswer({ form }: Recognised, { outcome }: Outcome): boolean {
  if (outcome === 'ok') return true;
  const isHttp = form === 'apigateway-v1' || form === 'apigateway-v2';
  return isHttp && (outcome === 'failed' || ERRORS[outcome].fault === 'caller');
}

function delivered({ params }: Loaded, { id, body }: LambdaRun, known: Recognised): Delivered {
  switch (known.form) {
    case 'apigateway-v2':
      return fromHttpV2(known.event, id, params);
    case 'apigateway-v1':
      return fromHttpV1(known.event, id, params);
    case 'sqs':
      return fromSqsBatch(known.event, body, id);
    case 'cloudevents':
      return fromCloudEvent(body, id);
    case 'payload':
      return fromPayload(body, id);
  }
}

function answerOf({ form }: Recognised, outcome: Outcome): string {
  switch (form) {
    case 'apigateway-v2':
      return JSON.stringify(toHttpV2(outcome));
    case 'apigateway-v1':
      return JSON.stringify(toHttpV1(outcome));
    default:
      return toValue(outcome);
  }
}

async function runOne(
  { handler, path, version }: Loaded,
  { deadline, log }: LambdaRun,
  { envelope, raw, attempt }: Delivered,
): Promise<Outcome> {
  const ending = new AbortController();
  const timer = setTimeout(
    () => ending.abort(new DOMException('the deadline passed', 'AbortError')),
    Math.max(0, deadline - performance.now()),
  );
  const host: Host = {
    version,
    attempt,
    deadline,
    signal: ending.signal,
    log: (level, message, fields) => log(level, envelope.id, message, fields),
    call: () => Promise.reject(new MeshError('no-route', 'There is no mesh where this handler runs.')),
  };
  try {
    return await runHandler(handler, await buildEvent(path, envelope, raw), host);
  } catch (error) {
    const fault = asMeshError(error);
    return errorOutcome(fault, envelope.id, fault.cause);
  } finally {
    clearTimeout(timer);
  }
}

/**
 * Each message is an event of its own, as in the mesh; those that did not end OK are given back to the queue. Lambda
 * heeds that only where the event source mapping has `ReportBatchItemFailures`.
 */
async function runRecords(loaded: Loaded, run: LambdaRun, { Records }: SqsEvent): Promise<Ran> {
  const isFifo = Records.some(({ attributes }) => attributes?.MessageGroupId !== undefined);
  const failed = isFifo ? await inOrder(loaded, run, Records) : await together(loaded, run, Records);
  return {
    answer: JSON.stringify({ batchItemFailures: failed.map((itemIdentifier) => ({ itemIdentifier })) }),
  };
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
  const outcome = await runOne(loaded, run, fromSqsRecord(record));
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
