import type { MeshError } from '#contracts';
import { errorOutcome, type Outcome } from '#handler/runtime';
import type { Inflow } from './flow.js';
import type { Invocation } from './runtime.js';
import type { RunMessage } from './worker-protocol.js';

/** A run, on its way to its outcome. */
export interface Run {
  readonly invocation: Invocation;
  /** By the monotonic clock. */
  readonly deadline: number;
  readonly resolve: (outcome: Outcome) => void;
  /** Which run of its worker it is, from 1; 0 until it is sent. */
  order: number;
  /** It was waiting in a worker that ended before it was begun. */
  moved: boolean;
  /** What follows its outcome, where that came in pieces. */
  stream?: Inflow;
}

/** Answers it with that fault. */
export function fail({ invocation, resolve, stream }: Run, fault: MeshError): true {
  if (stream) stream.end(fault);
  else resolve(errorOutcome(fault, invocation.id, fault.cause));
  return true;
}

/** Whether what a worker sent can be passed on. */
export const isOutcome = ({ outcome, status, body, rest }: Outcome): boolean =>
  typeof outcome === 'string' && Number.isInteger(status) && body instanceof Uint8Array && rest === undefined;

/** As it is sent to its worker. */
export function messageOf({ invocation, deadline }: Run): RunMessage {
  const { key, id, headers, body, attempt, rest } = invocation;
  if (rest) return ['run', key, id, headers, bodyToSend(body), attempt, deadline, true];
  return ['run', key, id, headers, bodyToSend(body), attempt, deadline];
}

/** A view would take its whole buffer along, so it is cut out first; `undefined` is the cheapest empty body. */
function bodyToSend(body: Uint8Array): Uint8Array<ArrayBuffer> | undefined {
  // Not slice(): of a Buffer, which is what the network gives, that is a view again.
  return body.length === 0 ? undefined : new Uint8Array(body);
}
