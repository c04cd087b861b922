import { asciiJson, type EventMeta, functionArn } from '#contracts';
import { monotonicNow } from '../clock.js';
import type { Taken } from './exchange.js';
import type { Shaped } from './shapes.js';

const DEADLINE = 6;

/** The headers of what `GET …/invocation/next` answers: whole lines, with names as Lambda writes them. */
export function invocationHeaders({ run, requestId }: Taken, { path, envelope }: Shaped): string {
  const deadline = run[DEADLINE];
  const deadlineMs = Math.round(Date.now() + deadline - monotonicNow());
  const { arn, context, trace } = toldOf(envelope.meta);
  const traceId = trace ?? traceOf(envelope.traceparent);
  return (
    'Content-Type: application/json\r\n' +
    `Lambda-Runtime-Aws-Request-Id: ${requestId}\r\n` +
    `Lambda-Runtime-Deadline-Ms: ${deadlineMs}\r\n` +
    `Lambda-Runtime-Invoked-Function-Arn: ${arn ?? functionArn(path)}\r\n` +
    (traceId === undefined ? '' : `Lambda-Runtime-Trace-Id: ${traceId}\r\n`) +
    (context === undefined ? '' : `Lambda-Runtime-Client-Context: ${context}\r\n`)
  );
}

/** What a caller of Lambda's own API said beside the payload. */
function toldOf({ source, attributes }: EventMeta): { arn?: string; context?: string; trace?: string } {
  if (source !== 'lambda' || attributes === undefined) return {};
  const { invokedFunctionArn, clientContext, traceId } = attributes;
  return {
    ...(isHeader(invokedFunctionArn) ? { arn: invokedFunctionArn } : {}),
    ...(clientContext === undefined ? {} : { context: asciiJson(clientContext) }),
    ...(isHeader(traceId) ? { trace: traceId } : {}),
  };
}

const isHeader = (value: unknown): value is string =>
  typeof value === 'string' && /^[\x20-\x7e]{1,512}$/.test(value);

const TRACEPARENT = /^00-([0-9a-f]{8})([0-9a-f]{24})-([0-9a-f]{16})-([0-9a-f]{2})/;

/** W3C's trace context in the words of X-Ray. */
export function traceOf(traceparent: string | undefined): string | undefined {
  const [, time, rest, parent, flags] = TRACEPARENT.exec(traceparent ?? '') ?? [];
  if (time === undefined) return undefined;
  return `Root=1-${time}-${rest};Parent=${parent};Sampled=${Number.parseInt(flags ?? '0', 16) & 1}`;
}
