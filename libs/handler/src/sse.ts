import type { HttpAnswer } from './author-types.js';

/** One server-sent event. Without any field it is nothing. */
export interface ServerSentEvent {
  /** Its type; absent: `message`. */
  readonly event?: string;
  /** What a browser says in `last-event-id` when it connects again. */
  readonly id?: string;
  /** How long a browser waits before it connects again, ms. */
  readonly retry?: number;
  /** Text as it is, anything else as JSON. */
  readonly data?: unknown;
  /** Not seen by who listens; it keeps what is in between from taking the connection for dead. */
  readonly comment?: string;
}

type Events<T> = AsyncIterable<T> | Iterable<T>;

/**
 * An answer of server-sent events (WHATWG HTML, clause 9.2): `return sse(events)`. Text alone stands for `{ data }`.
 * @param answer status, headers or cookies, where they are not the usual ones
 */
export function sse(
  events: Events<ServerSentEvent | string>,
  answer: Partial<Omit<HttpAnswer, 'body' | 'isBase64Encoded'>> = {},
): HttpAnswer {
  const headers = { 'content-type': 'text/event-stream', 'cache-control': 'no-cache', ...answer.headers };
  return { statusCode: 200, ...answer, headers, body: mapped(events, textOf) };
}

function textOf(event: ServerSentEvent | string): string {
  if (typeof event === 'string') return `${lines('data', event)}\n`;
  const { event: type, id, retry, data, comment } = event;
  let text = comment === undefined ? '' : lines('', comment);
  if (type !== undefined) text += oneLine('event', type);
  if (id !== undefined) text += oneLine('id', id);
  if (retry !== undefined) text += oneLine('retry', String(retry));
  if (data !== undefined) text += lines('data', typeof data === 'string' ? data : JSON.stringify(data));
  return `${text}\n`;
}

const LINE_END = /\r\n|\r|\n/;

const lines = (field: string, text: string): string =>
  text
    .split(LINE_END)
    .map((line) => `${field}: ${line}\n`)
    .join('');

/** @throws TypeError where a line break in it would begin another field */
function oneLine(field: string, text: string): string {
  if (LINE_END.test(text)) throw new TypeError(`The ${field} of a server-sent event must be one line.`);
  return `${field}: ${text}\n`;
}

/** Not a generator: its `return()` would wait for the next event before the one behind it is told. */
function mapped<T>(events: Events<T>, change: (item: T) => string): AsyncIterableIterator<string> {
  const inner = Symbol.asyncIterator in events ? events[Symbol.asyncIterator]() : events[Symbol.iterator]();
  return {
    [Symbol.asyncIterator]() {
      return this;
    },
    async next() {
      const { done, value } = await inner.next();
      return done ? { done, value: undefined } : { done: false, value: change(value) };
    },
    async return() {
      await inner.return?.();
      return { done: true, value: undefined };
    },
  };
}
