import type { ControlPath, ErrorCode, HeaderMap, MeshError } from '#contracts';
import type { CallReply, CallRequest, LogLevel, Outcome, OutcomeCause, Shaping } from '#handler/runtime';

/*
 * What crosses between executor and worker. Messages go in batches: what one turn of the event loop produced is posted
 * at once, because waking the other side costs more than the message.
 */

/** Given to the worker at its start. */
export interface WorkerStart {
  readonly path: ControlPath;
  readonly version: string;
  readonly folder: string;
  readonly entry: string;
  readonly export?: string | undefined;
  readonly shaping?: Shaping | undefined;
  /** `stream`: the handler takes bodies as they come. */
  readonly body?: 'whole' | 'stream' | undefined;
}

export type RunMessage = readonly [
  'run',
  key: number,
  id: string,
  headers: HeaderMap,
  body: Uint8Array<ArrayBuffer> | undefined,
  attempt: number,
  /** By the monotonic clock: what waits behind others in the worker has less left when its turn comes. */
  deadline: number,
  /** The body goes on, in messages of its own. */
  more?: true,
];

/** A body in pieces, in either direction; a run's key names it, see `flows`. */
export type FlowMessage =
  | readonly ['chunk', key: number, piece: CrossingBody]
  | readonly ['end', key: number]
  | readonly [
      'break',
      key: number,
      code: ErrorCode,
      detail: string | undefined,
      cause: OutcomeCause | undefined,
    ]
  /** There is room for so many bytes more. */
  | readonly ['credit', key: number, bytes: number]
  /** Nobody wants the rest. */
  | readonly ['cancel', key: number];

export type ToWorker =
  | RunMessage
  | FlowMessage
  | readonly ['abort', key: number, reason: string]
  /** It has gathered buffers that nobody may use any more. */
  | readonly ['collect']
  | readonly ['reply', call: number, reply: CallReply | ErrorCode];

export type FromWorker =
  | readonly ['ready']
  | readonly ['unloadable', code: ErrorCode, detail: string, cause: OutcomeCause | undefined]
  | readonly ['done', key: number, outcome: Omit<Outcome, 'body' | 'rest'>, body: CrossingBody]
  /** What an answer in pieces begins with; the run is done when its last piece is said to be. */
  | readonly ['head', key: number, outcome: Omit<Outcome, 'body' | 'rest'>, body: CrossingBody]
  | FlowMessage
  /** It has read that a run is to be aborted: its event loop turns. */
  | readonly ['alive']
  /** Why it is about to end. */
  | readonly ['dying', cause: OutcomeCause]
  | readonly ['log', id: string, level: LogLevel, message: string, fields: object | undefined]
  | readonly ['call', call: number, path: string, request: CallRequest, key: number];

/** The executor's end of a worker. */
export interface WorkerLink {
  post(messages: ToWorker[]): void;
  /** How many runs it has begun, in the order in which they were posted; can be asked when it has ended, too. */
  begun(): number;
  /** Ends it whatever it does. Resolves when it is gone: never, while a thread is blocked in native code. */
  end(): Promise<unknown>;
}

export interface WorkerEvents {
  /** Of a worker that may have been told by its handler what to send. */
  messages(messages: FromWorker[]): void;
  /** It has ended, or must not go on. */
  failed(fault: MeshError): void;
}

/** Starts a worker; what it posts is taken from the first moment. */
export type StartWorker = (
  start: WorkerStart,
  environment: Readonly<Record<string, string>>,
  events: WorkerEvents,
) => WorkerLink;

/**
 * An answer's bytes on their way out of a thread. Short ones cross as a string with a character for each byte:
 * a `Uint8Array` brings a buffer of its own along, which costs more than all the rest of a message.
 */
export type CrossingBody = string | Uint8Array;

const SHORT_BYTES = 4096;

export function toCrossing(body: Uint8Array): CrossingBody {
  if (body.length <= SHORT_BYTES)
    return Buffer.from(body.buffer, body.byteOffset, body.length).toString('latin1');
  // A view takes its whole buffer across.
  return body.byteLength === body.buffer.byteLength ? body : new Uint8Array(body);
}

export const fromCrossing = (body: CrossingBody): Uint8Array =>
  typeof body === 'string' ? Buffer.from(body, 'latin1') : body;

/** Collects messages and posts those of one turn together. */
export class Batch<T> {
  #messages: T[] = [];
  readonly #post: (messages: T[]) => void;
  readonly #schedule: (flush: () => void) => void;

  /** @param schedule when to post: before other promises go on (`queueMicrotask`) or after them (`process.nextTick`) */
  constructor(post: (messages: T[]) => void, schedule: (flush: () => void) => void) {
    this.#post = post;
    this.#schedule = schedule;
  }

  add(message: T): void {
    if (this.#messages.push(message) === 1) this.#schedule(() => this.flush());
  }

  flush(): void {
    if (this.#messages.length === 0) return;
    const messages = this.#messages;
    this.#messages = [];
    this.#post(messages);
  }
}
