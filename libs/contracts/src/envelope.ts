import type { ErrorCode } from './errors.js';
import type { JsonValue } from './json.js';

/** Where an event came from. */
export const SOURCES = ['http', 'mqtt', 'sqs', 'nats', 'lambda', 'cron', 'call'] as const;
export type Source = (typeof SOURCES)[number];

/**
 * What the source knows of an event beside its body; travels as JSON in `mesh-meta`.
 *
 * - http: `method`, `path` (as received), `query` (raw, without `?`), `headers`, `params` (decoded)
 * - mqtt: `attributes` = `{ topic, qos, retain, dup, … }`, `params`
 * - sqs: `attributes` = the message's system and message attributes
 */
export interface EventMeta {
  source: Source;
  /** Who called, as far as privacy allows, for the records of what ran: the network for http, the queue for sqs. */
  caller?: string | undefined;
  method?: string | undefined;
  path?: string | undefined;
  query?: string | undefined;
  headers?: Record<string, string | string[]> | undefined;
  params?: Record<string, string> | undefined;
  attributes?: Record<string, JsonValue> | undefined;
}

/** CloudEvents 1.0 context attributes that a caller stated; absent ones have the mesh's defaults. */
export interface CloudEventAttributes {
  readonly id?: string;
  readonly source?: string;
  readonly type?: string;
  readonly subject?: string;
  /** RFC 3339. */
  readonly time?: string;
}

/** An event on its way to a handler: everything but the body's bytes and the path, which is the subject. */
export interface EventEnvelope {
  /** UUIDv7 minted by the mesh: the only id used in subjects, KV keys and URLs. */
  readonly id: string;
  /** Wanted version or alias; absent: the route decides. */
  readonly version?: string;
  /** Calls with the same key get the same version for as long as the route's weights stay; up to 256 characters. */
  readonly sticky?: string;
  /** Milliseconds left, relative so that clocks need not agree; absent: {@link DEFAULT_TIMEOUT_MS}. */
  readonly timeout?: number;
  readonly meta: EventMeta;
  /** Media type of the body; absent: JSON if it parses, else text. */
  readonly contentType?: string;
  readonly cloudEvent?: CloudEventAttributes;
  /** W3C trace context, passed on untouched. */
  readonly traceparent?: string;
  /** The last lines that the run logs are to come with its reply: header `mesh-log`. Calls only. */
  readonly logTail?: boolean;
}

export const DEFAULT_TIMEOUT_MS = 30_000;
/** A day: longer than any sane wait, and below the range at which timers overflow. */
export const MAX_TIMEOUT_MS = 86_400_000;
/** Room for headers in a message: the largest body is the server's `max_payload` less this. */
export const HEADER_ROOM_BYTES = 16 * 1024;

/** How an invocation ended: `ok`, the handler's own no (`failed`), or an error of the table. */
export type OutcomeCode = 'ok' | 'failed' | ErrorCode;

/** In the result's headers, and no handler's to say: the last lines that the run logged, base64. */
export const LOG_TAIL_HEADER = 'mesh-log-tail';

/** HTTP-like details of an answer, JSON in the reply's `mesh-meta`. */
export interface ResultMeta {
  headers?: Record<string, string | string[]> | undefined;
  cookies?: string[] | undefined;
}

/** A result on its way back: everything but the body's bytes. */
export interface ResultEnvelope {
  /** The mesh-id of the event that it answers. */
  readonly id: string;
  readonly outcome: OutcomeCode;
  /** HTTP's numbers; an `ok` may have any of them, as on Lambda. */
  readonly status: number;
  /** The version that ran; absent when none did. */
  readonly version?: string;
  readonly contentType?: string;
  readonly meta?: ResultMeta;
}
