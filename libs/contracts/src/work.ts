import {
  asciiJson,
  decodeAttribute,
  decodeRouting,
  type EventRouting,
  encodeAttribute,
  encodeHeaders,
  type HeaderMap,
} from './codec.js';
import type { ControlPath } from './control-path.js';
import type { EventEnvelope, OutcomeCode } from './envelope.js';
import { MeshError } from './errors.js';
import type { Route } from './manifest.js';

/** An event for which nobody waits: it stands in the stream WORK until a handler has done with it. */
export interface WorkEnvelope extends Omit<EventEnvelope, 'timeout'> {
  /** When it was accepted, ms since 1970; a time that the caller stated goes before it. */
  readonly acceptedAt: number;
  /** Not worth starting any more from then on, ms since 1970. */
  readonly expires?: number;
  /** Subject on which the result is also published, best effort. */
  readonly reply?: string;
  /** The result is kept in KV `mesh_results`. */
  readonly keep?: boolean;
  /** URL to which the result is sent. */
  readonly callback?: string;
}

/** What an executor reads of work beside what it reads of a call. */
export interface WorkRouting extends EventRouting {
  readonly expires?: number;
  readonly reply?: string;
  readonly keep: boolean;
  readonly callback?: string;
  /** 0 for the first time, n for the nth replay out of the dead letters. */
  readonly replay: number;
}

/** Whether a path's work is handed out one at a time, by a consumer of its own: where any of its versions asks for it. */
export const isOrdered = ({ versions }: Pick<Route, 'versions'>): boolean =>
  versions.some(({ work }) => work?.ordered === true);

/** CloudEvents wants a type; what has this one never had another. */
export const DEFAULT_EVENT_TYPE = 'mesh.event';
const KEEP = 'keep';

/** Under this id the stream takes work once: the same id again is a duplicate. */
export const workMessageId = (id: string, replay = 0): string => (replay === 0 ? id : `${id}#r${replay}`);

/** Work as headers: a complete CloudEvent (NATS binding, binary mode) and what the mesh adds. */
export function encodeWork(path: ControlPath, work: WorkEnvelope): Uint8Array {
  const { id, cloudEvent = {} } = work;
  const headers: HeaderMap = {
    'Nats-Msg-Id': workMessageId(id),
    'mesh-id': id,
    'ce-specversion': '1.0',
    'ce-id': encodeAttribute(cloudEvent.id ?? id),
    'ce-source': encodeAttribute(cloudEvent.source ?? `urn:lambda-mesh:${work.meta.source}`),
    'ce-type': encodeAttribute(cloudEvent.type ?? DEFAULT_EVENT_TYPE),
    'ce-subject': encodeAttribute(cloudEvent.subject ?? path),
    'ce-time': encodeAttribute(cloudEvent.time ?? new Date(work.acceptedAt).toISOString()),
  };
  if (work.contentType !== undefined) headers['ce-datacontenttype'] = encodeAttribute(work.contentType);
  if (work.version !== undefined) headers['mesh-version'] = work.version;
  if (work.sticky !== undefined) headers['mesh-sticky'] = encodeAttribute(work.sticky);
  if (work.traceparent !== undefined) headers.traceparent = work.traceparent;
  writeEnding(headers, work);
  headers['mesh-meta'] = asciiJson(work.meta);
  return encodeHeaders(headers);
}

function writeEnding(headers: HeaderMap, { expires, reply, keep, callback }: WorkEnvelope): void {
  if (expires !== undefined) headers['mesh-expires'] = new Date(expires).toISOString();
  if (reply !== undefined) headers['mesh-reply'] = reply;
  if (keep) headers['mesh-result'] = KEEP;
  if (callback !== undefined) headers['mesh-callback'] = encodeAttribute(callback);
}

/**
 * @param mint makes the id of work that brings none: the same one at each delivery
 * @throws MeshError `bad-event` naming the faulty header
 */
export function decodeWork(headers: Readonly<HeaderMap>, mint: () => string): WorkRouting {
  const { timeout: _, ...routing } = decodeRouting(headers, mint);
  const expires = headers['mesh-expires'];
  const reply = headers['mesh-reply'];
  const callback = headers['mesh-callback'];
  return {
    ...routing,
    keep: headers['mesh-result'] === KEEP,
    replay: readReplay(headers['mesh-replay']),
    ...(expires === undefined ? undefined : { expires: readTime(expires) }),
    ...(reply === undefined ? undefined : { reply }),
    ...(callback === undefined ? undefined : { callback: decodeAttribute(callback) }),
  };
}

function readTime(text: string): number {
  const time = Date.parse(text);
  if (Number.isNaN(time))
    throw new MeshError('bad-event', 'Header mesh-expires: must be a time such as 2030-01-31T12:00:00Z.');
  return time;
}

function readReplay(text: string | undefined): number {
  const count = Number(text ?? 0);
  if (!Number.isSafeInteger(count) || count < 0)
    throw new MeshError('bad-event', 'Header mesh-replay: must be a whole number.');
  return count;
}

/**
 * The headers for a handler: attributes that only stand there because CloudEvents wants them are left out, so that
 * the same handler sees the same event from a call and from work. The time of acceptance stays.
 */
export function withoutDefaults(headers: HeaderMap): HeaderMap {
  if (headers['ce-type'] !== DEFAULT_EVENT_TYPE) return headers;
  // Not by a rest pattern: copying what is left of an object without prototype costs three times as much.
  const rest: HeaderMap = Object.create(null);
  for (const name in headers) if (!DEFAULTED.has(name)) rest[name] = headers[name] as string;
  return rest;
}

const DEFAULTED: ReadonlySet<string> = new Set([
  'ce-id',
  'ce-source',
  'ce-type',
  'ce-subject',
  'ce-specversion',
]);

/** Why work ended badly. */
export type DeadReason = Exclude<OutcomeCode, 'ok'> | 'crashed';

export interface DeadLetterFacts {
  readonly reason: DeadReason;
  /** The last error, in words for an operator. */
  readonly error: string;
  /** How often it was tried. */
  readonly attempts: number;
  /** ms since 1970 */
  readonly at: number;
  /** The version that ran last; absent when none did. */
  readonly version?: string;
}

const MAX_ERROR = 1_024;

/** Room for what a dead letter says beside the event's own headers, bytes: work that cannot become one would circle. */
export const DEAD_LETTER_ROOM = 4 * 1024;

/** A dead letter's headers: the event's own, untouched, and why it is here. NATS's own (`Nats-*`) stay behind. */
export function encodeDeadLetter(
  event: Readonly<HeaderMap>,
  { id, replay }: Pick<WorkRouting, 'id' | 'replay'>,
  facts: DeadLetterFacts,
): Uint8Array {
  const own = Object.entries(event).filter(
    ([name]) => !name.startsWith('nats-') && !name.startsWith('mesh-dead-'),
  );
  const headers: HeaderMap = {
    ...Object.fromEntries(own),
    'Nats-Msg-Id': `${workMessageId(id, replay)}#dead`,
    'mesh-id': id,
    'mesh-dead-reason': facts.reason,
    'mesh-dead-error': encodeAttribute(facts.error.slice(0, MAX_ERROR)),
    'mesh-dead-attempts': String(facts.attempts),
    'mesh-dead-at': new Date(facts.at).toISOString(),
  };
  if (facts.version !== undefined) headers['mesh-dead-version'] = facts.version;
  return encodeHeaders(headers);
}

/** @throws MeshError `bad-event` when that is no dead letter */
export function decodeDeadLetter(headers: Readonly<HeaderMap>): DeadLetterFacts {
  const at = Date.parse(headers['mesh-dead-at'] ?? '');
  const reason = headers['mesh-dead-reason'] as DeadReason | undefined;
  if (reason === undefined || Number.isNaN(at)) throw new MeshError('bad-event', 'That is no dead letter.');
  const version = headers['mesh-dead-version'];
  return {
    reason,
    error: decodeAttribute(headers['mesh-dead-error'] ?? ''),
    attempts: Number(headers['mesh-dead-attempts'] ?? 0),
    at,
    ...(version === undefined ? undefined : { version }),
  };
}

/** The headers with which a dead letter goes back to work: the event's own, its id, and which replay it is. */
export function encodeReplay(dead: Readonly<HeaderMap>): Uint8Array {
  const id = dead['mesh-id'] ?? '';
  const replay = readReplay(dead['mesh-replay']) + 1;
  const own = Object.entries(dead).filter(
    ([name]) => !name.startsWith('nats-') && !name.startsWith('mesh-dead-'),
  );
  return encodeHeaders({
    ...Object.fromEntries(own),
    'Nats-Msg-Id': workMessageId(id, replay),
    'mesh-replay': String(replay),
  });
}
