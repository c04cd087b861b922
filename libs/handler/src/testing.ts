/**
 * `@lambda-mesh/handler/testing`: calls handlers in a test, without any server, through the very code that an
 * executor runs them with: the same events, the same outcomes, the same bytes.
 *
 *   const answer = await call(find, { query: { id: '42' } })
 *
 *   const mesh = testMesh(greet)                       // handlers that call each other
 *   mesh.use('users/find', () => ({ name: 'Ada' }))    // swapped for this test
 *   await mesh.call('users/greet', { query: { id: '42' } })
 */
import type { EventEnvelope } from '../../contracts/src/envelope.js';
import { MeshError } from '../../contracts/src/errors.js';
import type { CloudEvent, HandlerFunction, JsonValue, LogLevel, Source, Values } from './author-types.js';
import { buildEvent } from './build-event.js';
import { decodeBody } from './decode-body.js';
import { type HandlerDefinition, isDefinition } from './definition.js';
import type { CallReply, CallRequest, Host } from './host.js';
import { errorOutcome, type Outcome } from './outcome.js';
import { type ResolvedHandler, resolveHandler } from './resolve-handler.js';
import { runHandler } from './run-handler.js';
import { encodeTestBody, queryText } from './test-event.js';

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
}

export interface LogEntry {
  readonly path: string;
  readonly level: LogLevel;
  readonly message: string;
  readonly fields: Readonly<Record<string, unknown>> | undefined;
}

/** What the caller would get, and what only the operator sees (`cause`, `logs`). */
export interface TestAnswer<Body = unknown> {
  /** `ok`, `failed` (the handler's FAIL), or a code of docs/errors.md such as `handler-error`. */
  readonly outcome: string;
  readonly status: number;
  readonly headers: Values;
  readonly cookies: readonly string[];
  /** Decoded by content type; `undefined` for an answer without a body. */
  readonly body: Body;
  readonly raw: Uint8Array;
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

/** Calls one handler; `context.call` reaches nothing from it (see {@link testMesh}). */
export async function call<Body = unknown>(
  handler: HandlerLike,
  event: TestEvent = {},
  options: TestOptions = {},
): Promise<TestAnswer<Body>> {
  const resolved = resolve(handler);
  const path = resolved.path ?? 'test/handler';
  return new Mesh(new Map([[path, { resolved, version: versionOf(handler) }]])).call(path, event, options);
}

/** @param handlers definitions, or an object from path to handler */
export function testMesh(...handlers: (HandlerDefinition | Record<string, HandlerLike>)[]): TestMesh {
  const first = new Map<string, Entry>();
  for (const some of handlers)
    for (const [path, handler] of isDefinition(some) ? [[some.path, some] as const] : Object.entries(some))
      first.set(path, { resolved: resolve(handler, path), version: versionOf(handler) });
  return new Mesh(first);
}

interface Entry {
  readonly resolved: ResolvedHandler;
  readonly version: string;
}

function resolve(handler: HandlerLike, path?: string): ResolvedHandler {
  const isOne = typeof handler === 'function' || isDefinition(handler);
  // A definition may stand in for another path in a test; a module is resolved as an executor would.
  return resolveHandler(isOne ? { default: handler } : handler, undefined, isOne ? undefined : path);
}

const versionOf = (handler: HandlerLike): string =>
  (isDefinition(handler) ? handler.options.version : undefined) ?? '0.0.0';

const DEFAULT_TIMEOUT_MS = 30_000;
let minted = 0;
const mint = () => `00000000-0000-7000-8000-${String(++minted).padStart(12, '0')}`;

class Mesh implements TestMesh {
  readonly #first: ReadonlyMap<string, Entry>;
  #entries: Map<string, Entry>;

  constructor(first: ReadonlyMap<string, Entry>) {
    this.#first = first;
    this.#entries = new Map(first);
  }

  use(at: string | HandlerDefinition, handler?: HandlerLike): this {
    const path = typeof at === 'string' ? at : at.path;
    const chosen = typeof at === 'string' ? (handler as HandlerLike) : at;
    this.#entries.set(path, { resolved: resolve(chosen, path), version: versionOf(chosen) });
    return this;
  }

  reset(): this {
    this.#entries = new Map(this.#first);
    return this;
  }

  async call<Body>(
    path: string,
    event: TestEvent = {},
    options: TestOptions = {},
  ): Promise<TestAnswer<Body>> {
    const logs: LogEntry[] = [];
    const { envelope, raw } = await toEnvelope(event);
    const outcome = await this.#run(path, envelope, raw, options, logs);
    return toAnswer<Body>(outcome, logs);
  }

  async #run(
    path: string,
    envelope: EventEnvelope,
    raw: Uint8Array,
    options: TestOptions,
    logs: LogEntry[],
  ): Promise<Outcome> {
    const entry = this.#entries.get(path);
    if (!entry) return errorOutcome(new MeshError('no-route'), envelope.id);
    const timeout = options.timeout ?? DEFAULT_TIMEOUT_MS;
    const controller = new AbortController();
    const host = this.#host(
      path,
      { ...options, timeout, version: options.version ?? entry.version },
      logs,
      controller,
    );
    const running = (async () => {
      try {
        return await runHandler(entry.resolved, await buildEvent(path, envelope, raw), host);
      } catch (error) {
        return errorOutcome(error as MeshError, envelope.id);
      }
    })();
    return beforeDeadline(running, timeout, controller, envelope.id);
  }

  #host(
    path: string,
    options: Required<Pick<TestOptions, 'version' | 'timeout'>> & TestOptions,
    logs: LogEntry[],
    { signal }: AbortController,
  ): Host {
    return {
      version: options.version,
      attempt: options.attempt ?? 1,
      deadline: performance.now() + options.timeout,
      signal,
      log: (level, message, fields) => void logs.push({ path, level, message, fields }),
      call: (called, request) => this.#nested(called, request, logs),
    };
  }

  #nested(path: string, { body, contentType, timeout }: CallRequest, logs: LogEntry[]): Promise<CallReply> {
    const envelope: EventEnvelope = {
      id: mint(),
      meta: { source: 'call' },
      ...(contentType === undefined ? {} : { contentType }),
    };
    return this.#run(path, envelope, body, { timeout }, logs);
  }
}

async function beforeDeadline(
  running: Promise<Outcome>,
  timeout: number,
  controller: AbortController,
  id: string,
): Promise<Outcome> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<Outcome>((resolveLate) => {
    timer = setTimeout(() => {
      const error = new MeshError('deadline-exceeded');
      controller.abort(error);
      resolveLate(errorOutcome(error, id));
    }, timeout);
  });
  try {
    return await Promise.race([running, late]);
  } finally {
    clearTimeout(timer);
  }
}

async function toEnvelope(event: TestEvent): Promise<{ envelope: EventEnvelope; raw: Uint8Array }> {
  const { source = 'http', headers = {}, params, attributes, cloudEvent } = event;
  const { raw, contentType = undefined } = await encodeTestBody(event.body);
  const stated = headers['content-type'];
  const type = typeof stated === 'string' ? stated : contentType;
  const http = source === 'http' ? { method: event.method ?? (raw.length > 0 ? 'POST' : 'GET') } : {};
  const query = event.query === undefined ? {} : { query: queryText(event.query) };
  return {
    raw,
    envelope: {
      id: event.id ?? mint(),
      meta: {
        source,
        ...http,
        ...query,
        headers,
        ...(params ? { params } : {}),
        ...(attributes ? { attributes: attributes as EventEnvelope['meta']['attributes'] } : {}),
      },
      ...(type === undefined ? {} : { contentType: type }),
      ...(cloudEvent ? { cloudEvent } : {}),
    },
  };
}

async function toAnswer<Body>(outcome: Outcome, logs: LogEntry[]): Promise<TestAnswer<Body>> {
  const { contentType, body, meta, cause } = outcome;
  return {
    outcome: outcome.outcome,
    status: outcome.status,
    headers: { ...(contentType === undefined ? {} : { 'content-type': contentType }), ...meta?.headers },
    cookies: meta?.cookies ?? [],
    body: (body.length === 0 ? undefined : await decodeBody(body, contentType)) as Body,
    raw: body,
    cause,
    logs,
  };
}
