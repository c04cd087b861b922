import { z } from 'zod';
import { asciiJson, decodeHeaders, decodeResult, encodeResult, type HeaderMap } from './codec.js';
import type { ControlPath } from './control-path.js';
import type { ResultEnvelope } from './envelope.js';
import { MeshError } from './errors.js';

/*
 * What is known of an asynchronous call: the value of its mesh-id in KV `mesh_results`.
 *
 *   waiting ──► done        by the executor, when there is a result or a dead letter
 *      └──────► cancelled   by the ingress, when the caller asks for it
 *
 * Both ends are final. Whoever leaves `waiting` names the revision that it read (`Keep.replace`) and reads again where
 * another was faster: so a result never overwrites a cancellation, nor a cancellation a result. An executor reads the
 * state before it runs the handler: what is cancelled is not run, and what is done was work that came twice.
 *
 * As a message: `mesh-state`, the rest as JSON in `mesh-call`, and for `done` the result as it would be on the wire
 * (its headers beside these two, its body as the body).
 */

/** Work may be delayed for so long: a year. */
export const MAX_DELAY_MS = 366 * 86_400_000;

/** How the result's way to the caller's own URL stands. */
const callbackNote = z.object({
  url: z.string(),
  state: z.enum(['waiting', 'sent', 'failed']),
  /** How often it was sent. */
  attempts: z.int().min(0),
  /** Why it did not get there the last time, in words for the caller. */
  error: z.string().optional(),
});
export type CallbackNote = z.infer<typeof callbackNote>;

const asyncCall = z.object({
  path: z.string() as unknown as z.ZodType<ControlPath, string>,
  /** ms since 1970 */
  acceptedAt: z.number(),
  /** From when on nobody remembers it, ms since 1970; later once it is done. */
  expires: z.number(),
  /** How long a result is kept, ms. */
  keepMs: z.number(),
  /** When it is to run at the earliest, ms since 1970; absent: at once. */
  startsAt: z.number().optional(),
  /** Of what an idempotency key was used for. */
  fingerprint: z.string().optional(),
  /** The stream has the work on file; before that, who sends the same key again publishes it again. */
  published: z.boolean().optional(),
  callback: callbackNote.optional(),
  /** How often the handler ran; known when it is done. */
  attempts: z.int().min(0).optional(),
  /** When it was done or cancelled, ms since 1970. */
  endedAt: z.number().optional(),
});
/** What does not change with the state. */
export type AsyncCall = z.infer<typeof asyncCall>;

export type AsyncState =
  | { readonly state: 'waiting'; readonly call: AsyncCall }
  | { readonly state: 'cancelled'; readonly call: AsyncCall }
  | { readonly state: 'done'; readonly call: AsyncCall; readonly result: ResultEnvelope };

/** Headers of the value while the work waits or runs. */
export const encodeWaiting = (call: AsyncCall): HeaderMap => stateHeaders('waiting', call, call.acceptedAt);

/** Headers of the value of what was cancelled; it has no body. @param at ms since 1970 */
export const encodeCancelled = (call: AsyncCall, at: number): HeaderMap =>
  stateHeaders('cancelled', ended(call, at), at);

/**
 * Headers of the value of what ended, well or badly; its body is the result's.
 * @param attempts how often the handler ran
 * @param at ms since 1970
 */
export function encodeDone(call: AsyncCall, result: ResultEnvelope, attempts: number, at: number): HeaderMap {
  return encodeNoted({ ...ended(call, at), attempts }, result, at);
}

/** Headers of what is `done` already, with what was noted of it since. @param at now, ms since 1970 */
export function encodeNoted(call: AsyncCall, result: ResultEnvelope, at: number): HeaderMap {
  return { ...decodeHeaders(encodeResult(result)), ...stateHeaders('done', call, at) };
}

const ended = (call: AsyncCall, at: number): AsyncCall => ({
  ...call,
  endedAt: at,
  expires: Math.max(call.expires, at + call.keepMs),
});

function stateHeaders(state: AsyncState['state'], call: AsyncCall, now: number): HeaderMap {
  return {
    'mesh-state': state,
    'mesh-call': asciiJson(call),
    // The server forgets each value by itself (ADR-43 of NATS): calls that wait for a year stand beside those of a day.
    'Nats-TTL': `${Math.max(1, Math.ceil((call.expires - now) / 1000))}s`,
  };
}

/** @throws MeshError `internal` for a value that is none of these */
export function decodeAsyncState(headers: Readonly<HeaderMap>): AsyncState {
  const call = readCall(headers['mesh-call']);
  const state = headers['mesh-state'];
  switch (state) {
    case 'waiting':
    case 'cancelled':
      return { state, call };
    case 'done':
      return { state, call, result: decodeResult(headers) };
    default:
      throw notAState('mesh-state');
  }
}

function readCall(text: string | undefined): AsyncCall {
  let value: unknown;
  try {
    value = JSON.parse(text ?? '');
  } catch {
    throw notAState('mesh-call');
  }
  const parsed = asyncCall.safeParse(value);
  if (!parsed.success) throw notAState('mesh-call');
  return parsed.data;
}

const notAState = (header: string) =>
  new MeshError('internal', undefined, { cause: new Error(`a kept call has a bad ${header}`) });
