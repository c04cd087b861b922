import type { CloudEvent, HandlerFunction, JsonValue, LogLevel, Source, Values } from './author-types.js';
import type { HandlerDefinition } from './definition.js';

/* What a test gives and gets. Published as types, like `author-types`. */

/** A definition, a plain `(event, context)` function, or a module: `await import('./handler.js')`. */
export type HandlerLike = HandlerDefinition | HandlerFunction | object;

/** What a source would send. Without anything: a GET without query. */
export interface TestEvent {
  /** `http` unless stated. */
  readonly source?: Source;
  /** HTTP only; `POST` with a body, else `GET`. */
  readonly method?: string;
  /** As a query string without `?`, or as values. HTTP only: other sources ask with their body. */
  readonly query?: string | Values;
  readonly params?: Record<string, string>;
  /** Names in lower case. `content-type` says how the body is decoded. */
  readonly headers?: Values;
  /** Bytes and text are sent as they are, URLSearchParams and FormData as forms, anything else as JSON. */
  readonly body?: unknown;
  readonly attributes?: Record<string, JsonValue>;
  readonly cloudEvent?: CloudEvent;
  readonly id?: string;
}

export interface TestOptions {
  /** Of the handler that runs; its definition's unless stated. */
  readonly version?: string;
  /** 1 unless stated. */
  readonly attempt?: number;
  /** Milliseconds; 30 s unless stated. When they pass, the answer is `deadline-exceeded`. */
  readonly timeout?: number;
  /** Of an answer that comes in pieces, how many are taken before the caller goes away; all of them unless stated. */
  readonly take?: number;
}

export interface LogEntry {
  readonly path: string;
  readonly level: LogLevel;
  readonly message: string;
  readonly fields: Readonly<Record<string, unknown>> | undefined;
}

/** What the caller would get, and what only the operator sees (`cause`, `logs`). */
export interface TestAnswer<Body = unknown> {
  /**
   * `ok`, `failed` (the handler's FAIL), or a code of docs/errors.md such as `handler-error`; also where a stream broke
   * off: then `status` is what the caller had been told, and `body` what had come.
   */
  readonly outcome: string;
  readonly status: number;
  readonly headers: Values;
  readonly cookies: readonly string[];
  /** Decoded by content type; `undefined` for an answer without a body. */
  readonly body: Body;
  readonly raw: Uint8Array;
  /** `raw` in the pieces in which it came: one of each turn of the event loop in which the handler gave some. */
  readonly pieces: readonly Uint8Array[];
  readonly cause: { readonly name: string; readonly message: string; readonly stack?: string } | undefined;
  readonly logs: readonly LogEntry[];
}

/** Some handlers, and what `context.call` reaches from them. */
export interface TestMesh {
  /** Puts a handler under its path, in the place of what was there. */
  use(definition: HandlerDefinition): TestMesh;
  use(path: string, handler: HandlerLike): TestMesh;
  /** Back to the handlers that the mesh was made with. */
  reset(): TestMesh;
  call<Body = unknown>(path: string, event?: TestEvent, options?: TestOptions): Promise<TestAnswer<Body>>;
}
