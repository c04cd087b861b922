import { decodeDetails } from '#contracts';
import { monotonicNow } from '../clock.js';
import type { HandlerSpec } from '../runtime.js';
import { functionArn } from './environment.js';
import type { Taken } from './exchange.js';
import { eventBody } from './shapes.js';

/** What `GET …/invocation/next` answers. */
export interface NextAnswer {
  /** Names and values in turn, written as Lambda writes them. */
  readonly headers: readonly string[];
  readonly body: Uint8Array;
}

/** @throws MeshError for an event that has no form in which the program could read it */
export function nextAnswer(spec: HandlerSpec, { run, requestId }: Taken): NextAnswer {
  const [, , id, headers, raw, , deadline] = run;
  const details = decodeDetails(headers);
  const body = eventBody(spec, { id, ...details }, raw ?? NOTHING);
  const deadlineMs = Math.round(Date.now() + deadline - monotonicNow());
  const trace = traceOf(details.traceparent);
  return {
    headers: [
      ...['Content-Type', 'application/json'],
      ...['Content-Length', String(body.length)],
      ...['Lambda-Runtime-Aws-Request-Id', requestId],
      ...['Lambda-Runtime-Deadline-Ms', String(deadlineMs)],
      ...['Lambda-Runtime-Invoked-Function-Arn', functionArn(spec.path)],
      ...(trace === undefined ? [] : ['Lambda-Runtime-Trace-Id', trace]),
    ],
    body,
  };
}

const NOTHING = new Uint8Array(0);
const TRACEPARENT = /^00-([0-9a-f]{8})([0-9a-f]{24})-([0-9a-f]{16})-([0-9a-f]{2})/;

/** W3C's trace context in the words of X-Ray. */
export function traceOf(traceparent: string | undefined): string | undefined {
  const [, time, rest, parent, flags] = TRACEPARENT.exec(traceparent ?? '') ?? [];
  if (time === undefined) return undefined;
  return `Root=1-${time}-${rest};Parent=${parent};Sampled=${Number.parseInt(flags ?? '0', 16) & 1}`;
}
