import type { AsyncState, ResultEnvelope } from '#contracts';
import type { HttpResponse } from '../from-result.js';

/* What callers read of an asynchronous call. */

/** Where the state of a call is, and is cancelled. */
export const locationOf = (id: string): string => `/invocations/${id}`;

/** Seconds after which it is worth asking again. */
const ASK_AGAIN = '1';

/** 202: the stream has it. */
export function acceptedAnswer(id: string, state: AsyncState): HttpResponse {
  const location = locationOf(id);
  const { expires, startsAt } = state.call;
  const view = { id, status: state.state, location, ...timesView({ expires, startsAt }) };
  return json(202, view, ['mesh-id', id, 'location', location, 'preference-applied', 'respond-async']);
}

/** @param more headers, as a flat list */
export function stateAnswer(
  id: string,
  state: AsyncState,
  body: Uint8Array,
  more: string[] = [],
): HttpResponse {
  const again = state.state === 'waiting' ? ['retry-after', ASK_AGAIN] : [];
  return json(200, stateView(id, state, body), [
    'mesh-id',
    id,
    'cache-control',
    'no-store',
    ...again,
    ...more,
  ]);
}

/** The state as JSON. Times are RFC 3339. */
export function stateView(id: string, state: AsyncState, body: Uint8Array): object {
  const { path, callback, attempts, ...times } = state.call;
  return {
    id,
    path,
    status: state.state,
    ...timesView(times),
    ...(attempts === undefined ? undefined : { attempts }),
    ...(callback === undefined ? undefined : { callback: callbackView(callback) }),
    ...(state.state === 'done' ? { result: resultView(state.result, body) } : undefined),
  };
}

const callbackView = ({
  url,
  state,
  attempts,
  error,
}: NonNullable<AsyncState['call']['callback']>): object => ({
  url,
  status: state,
  attempts,
  ...(error === undefined ? undefined : { error }),
});

const TIMES = ['acceptedAt', 'startsAt', 'endedAt', 'expires'] as const;

function timesView(times: Partial<Record<(typeof TIMES)[number], number | undefined>>): object {
  const given = TIMES.flatMap((name) => {
    const time = times[name];
    return time === undefined ? [] : [[name, new Date(time).toISOString()]];
  });
  return Object.fromEntries(given);
}

function resultView(
  { outcome, status, version, contentType, meta }: ResultEnvelope,
  body: Uint8Array,
): object {
  const type = contentType === undefined ? undefined : { 'content-type': contentType };
  const cookies = meta?.cookies === undefined ? undefined : { 'set-cookie': meta.cookies };
  return {
    outcome,
    status,
    ...(version === undefined ? undefined : { version }),
    headers: { ...meta?.headers, ...cookies, ...type },
    ...bodyView(contentType ?? '', Buffer.from(body.buffer, body.byteOffset, body.length)),
  };
}

const JSON_TYPE = /^application\/([^;]*\+)?json\s*(;|$)/i;
const TEXT_TYPE = /^text\/|charset=utf-8/i;

/** JSON as what it says, text as a string, all else in base64; `encoding` says which. */
function bodyView(type: string, body: Buffer): object {
  if (body.length === 0) return {};
  if (JSON_TYPE.test(type))
    try {
      return { encoding: 'json', body: JSON.parse(body.toString()) as unknown };
    } catch {
      // Whoever made it calls it JSON; it is shown as it is.
    }
  if (TEXT_TYPE.test(type)) return { encoding: 'text', body: body.toString() };
  return { encoding: 'base64', body: body.toString('base64') };
}

function json(status: number, value: object, headers: string[]): HttpResponse {
  const body = Buffer.from(JSON.stringify(value));
  return {
    status,
    headers: [...headers, 'content-type', 'application/json', 'content-length', String(body.length)],
    body,
  };
}
