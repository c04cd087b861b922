import type { ControlPath, ErrorCode, HeaderMap } from '#contracts';
import type { CallReply, CallRequest, LogLevel, Outcome, OutcomeCause } from '#handler/runtime';

/*
 * What crosses between executor and worker thread. Messages go in batches: what one turn of the event loop
 * produced is one `postMessage`, because waking the other thread costs more than the message.
 */

/** Given to the thread at its start. */
export interface ThreadStart {
  readonly path: ControlPath;
  readonly version: string;
  readonly folder: string;
  readonly entry: string;
  readonly export?: string | undefined;
}

export type ToThread =
  | readonly [
      'run',
      key: number,
      id: string,
      headers: HeaderMap,
      body: Uint8Array<ArrayBuffer> | undefined,
      attempt: number,
      timeout: number,
    ]
  | readonly ['abort', key: number, reason: string]
  | readonly ['reply', call: number, reply: CallReply | ErrorCode];

export type FromThread =
  | readonly ['ready']
  | readonly ['unloadable', code: ErrorCode, detail: string, cause: OutcomeCause | undefined]
  | readonly ['done', key: number, outcome: Outcome]
  | readonly ['log', id: string, level: LogLevel, message: string, fields: object | undefined]
  | readonly ['call', call: number, path: string, request: CallRequest];

/** Collects messages and posts those of one turn together. */
export class Batch<T> {
  #messages: T[] = [];
  readonly #post: (messages: T[]) => void;
  readonly #schedule: (flush: () => void) => void;

  /** @param schedule when to post: at the end of what runs now (`queueMicrotask`) or of this turn (`setImmediate`) */
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
