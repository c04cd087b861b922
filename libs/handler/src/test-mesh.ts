import type { EventEnvelope } from '../../contracts/src/envelope.js';
import { asMeshError, MeshError } from '../../contracts/src/errors.js';
import type { Answer } from './answer.js';
import type { HandlerEvent, HandlerOptions } from './author-types.js';
import { buildEvent, buildStreamedEvent, once } from './build-event.js';
import { type HandlerDefinition, isDefinition } from './definition.js';
import type { CallReply, CallRequest, Host } from './host.js';
import { errorOutcome, type Outcome } from './outcome.js';
import { type ResolvedHandler, resolveHandler } from './resolve-handler.js';
import { openAnswer, runHandler } from './run-handler.js';
import { runShaped } from './shapes/run-shaped.js';
import { type Shaping, shapingOf } from './shapes/shape.js';
import { mint, toAnswer, toEnvelope } from './test-event.js';
import { type Taken, takePieces } from './test-stream.js';
import type { HandlerLike, LogEntry, TestAnswer, TestEvent, TestMesh, TestOptions } from './test-types.js';

/** A handler of a test's mesh. */
export interface Entry {
  readonly resolved: ResolvedHandler;
  readonly version: string;
  readonly shaping: Shaping | undefined;
}

/** @throws MeshError `no-handler`, `path-mismatch` */
export function entryOf(handler: HandlerLike, path?: string): Entry {
  const options: HandlerOptions = isDefinition(handler) ? handler.options : {};
  const { version = '0.0.0', event, triggers = [] } = options;
  return { resolved: resolve(handler, path), version, shaping: shapingOf({ event, triggers }) };
}

function resolve(handler: HandlerLike, path?: string): ResolvedHandler {
  const isOne = typeof handler === 'function' || isDefinition(handler);
  // A definition may stand in for another path in a test; a module is resolved as an executor would.
  return resolveHandler(isOne ? { default: handler } : handler, undefined, isOne ? undefined : path);
}

const DEFAULT_TIMEOUT_MS = 30_000;

/** Handlers in this process, each run as an executor would run it. */
export class Mesh implements TestMesh {
  readonly #first: ReadonlyMap<string, Entry>;
  #entries: Map<string, Entry>;

  constructor(first: ReadonlyMap<string, Entry>) {
    this.#first = first;
    this.#entries = new Map(first);
  }

  use(at: string | HandlerDefinition, handler?: HandlerLike): this {
    const path = typeof at === 'string' ? at : at.path;
    const chosen = typeof at === 'string' ? (handler as HandlerLike) : at;
    this.#entries.set(path, entryOf(chosen, path));
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
    return toAnswer<Body>(await this.#run(path, envelope, raw, options, logs), logs);
  }

  async #run(
    path: string,
    envelope: EventEnvelope,
    raw: Uint8Array,
    options: TestOptions,
    logs: LogEntry[],
  ): Promise<Taken> {
    const entry = this.#entries.get(path);
    if (!entry) return { outcome: errorOutcome(new MeshError('no-route'), envelope.id), pieces: [] };
    const timeout = options.timeout ?? DEFAULT_TIMEOUT_MS;
    const controller = new AbortController();
    const host = this.#host(
      path,
      { ...options, timeout, version: options.version ?? entry.version },
      logs,
      controller,
    );
    const running = runOne(
      entry,
      path,
      envelope,
      raw,
      host,
      options.take ?? Number.POSITIVE_INFINITY,
      controller,
    );
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

  async #nested(
    path: string,
    { body, contentType, timeout }: CallRequest,
    logs: LogEntry[],
  ): Promise<CallReply> {
    const envelope: EventEnvelope = {
      id: mint(),
      meta: { source: 'call' },
      ...(contentType === undefined ? {} : { contentType }),
    };
    return (await this.#run(path, envelope, body, { timeout }, logs)).outcome;
  }
}

/** To the last piece that is wanted. */
async function runOne(
  entry: Entry,
  path: string,
  envelope: EventEnvelope,
  raw: Uint8Array,
  host: Host,
  most: number,
  controller: AbortController,
): Promise<Taken> {
  const outcome = await begin(entry, path, envelope, raw, host, controller.signal);
  const taken = await takePieces(outcome, envelope.id, most);
  if (taken.pieces.length >= most) controller.abort(new MeshError('client-gone'));
  return taken;
}

async function begin(
  entry: Entry,
  path: string,
  envelope: EventEnvelope,
  raw: Uint8Array,
  host: Host,
  signal: AbortSignal,
): Promise<Outcome> {
  try {
    const answer = await run(entry, path, envelope, raw, host);
    const { rest } = answer;
    if (rest === undefined) return answer;
    signal.addEventListener('abort', () => void rest.return());
    return await openAnswer(answer, rest, envelope.id);
  } catch (error) {
    return errorOutcome(asMeshError(error), envelope.id);
  }
}

async function run(
  { resolved, version, shaping }: Entry,
  path: string,
  envelope: EventEnvelope,
  raw: Uint8Array,
  host: Host,
): Promise<Answer> {
  if (!shaping && envelope.meta.source !== 'lambda')
    return runHandler(resolved, await eventOf(resolved, path, envelope, raw), host);
  const { event = 'mesh', http = [] } = shaping ?? {};
  const inPieces = resolved.body === 'stream';
  const asked = { path, version, envelope, raw, attempt: host.attempt, now: Date.now(), http, inPieces };
  return runShaped(event, resolved, asked, host);
}

async function eventOf(
  { body }: ResolvedHandler,
  path: string,
  envelope: EventEnvelope,
  raw: Uint8Array,
): Promise<HandlerEvent> {
  if (body !== 'stream') return buildEvent(path, envelope, raw);
  return buildStreamedEvent(path, envelope, once(raw)) as unknown as HandlerEvent;
}

async function beforeDeadline(
  running: Promise<Taken>,
  timeout: number,
  controller: AbortController,
  id: string,
): Promise<Taken> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<Taken>((resolveLate) => {
    timer = setTimeout(() => {
      const error = new MeshError('deadline-exceeded');
      resolveLate({ outcome: errorOutcome(error, id), pieces: [] });
      controller.abort(error);
    }, timeout);
  });
  try {
    return await Promise.race([running, late]);
  } finally {
    clearTimeout(timer);
  }
}
