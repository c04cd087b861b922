import {
  asMeshError,
  type ControlPath,
  decodeHeaders,
  type HeaderMap,
  type Route,
  wantsLogTail,
} from '#contracts';
import type { CallIntake, IncomingCall, RouteTable, ServedPath } from '#fabric';
import { collect, describe, type Outcome } from '#handler/runtime';
import type { Log } from '#lifecycle';
import type { Recorder } from '../audit/recorder.js';
import { Counters } from '../counters.js';
import type { Invoke, Invoked } from '../invoke.js';
import type { LogTails } from '../log-tails.js';
import { joined, letGo } from '../runtime/flow.js';
import { replyOf } from '../settle.js';

/** A call is tried once. */
const FIRST = 1;
/** How long streams may go on when this executor is to end, ms. */
const STREAMS_END_MS = 10_000;
const NO_HEADERS: HeaderMap = Object.freeze(Object.create(null));

const NO_BYTES = new Uint8Array(0);

/** How a call ended. */
interface Ended extends Pick<Outcome, 'outcome' | 'status'> {
  readonly id: string;
  readonly version: string | undefined;
  readonly cause: Outcome['cause'];
}

/**
 * Takes the calls of every live path that this executor runs, and answers each one. Follows the routes: a new path
 * is served at once, a path that is gone is drained.
 */
export class RequestIntake {
  readonly counters = new Map<ControlPath, Counters>();
  readonly #served = new Map<ControlPath, ServedPath>();
  readonly #draining = new Set<Promise<void>>();
  #stopFollowing: () => void = () => {};
  #inFlight = 0;
  #idle: (() => void)[] = [];

  constructor(
    private readonly intake: CallIntake,
    private readonly routes: RouteTable,
    readonly serves: (path: ControlPath) => boolean,
    private readonly invoke: Invoke,
    private readonly tails: LogTails,
    private readonly maxBody: () => number,
    private readonly recorder: Pick<Recorder, 'record'>,
    private readonly log: Log,
  ) {}

  get inFlight(): number {
    return this.#inFlight;
  }

  start(): void {
    this.#stopFollowing = this.routes.onChange((path, route) => this.#follow(path, route));
    for (const route of this.routes.all()) this.#follow(route.path, route);
  }

  /** Takes no new calls; resolves when the last one that was routed here has arrived. */
  async drain(): Promise<void> {
    this.#stopFollowing();
    for (const path of [...this.#served.keys()]) this.#leave(path);
    await Promise.all(this.#draining);
  }

  /** Resolves when every call that arrived is answered. */
  async idle(): Promise<void> {
    if (this.#inFlight === 0) return;
    const timer = setTimeout(() => this.invoke.endStreams(), STREAMS_END_MS);
    await new Promise<void>((resolve) => this.#idle.push(resolve));
    clearTimeout(timer);
  }

  #follow(path: ControlPath, route: Route | undefined): void {
    if (!route) return this.#leave(path);
    if (this.#served.has(path) || !this.serves(path)) return;
    this.counters.set(path, this.counters.get(path) ?? new Counters());
    this.#served.set(
      path,
      this.intake.serve(path, (call) => void this.#answer(call)),
    );
  }

  #leave(path: ControlPath): void {
    const served = this.#served.get(path);
    if (!served) return;
    this.#served.delete(path);
    const draining = served.drain().finally(() => this.#draining.delete(draining));
    this.#draining.add(draining);
  }

  async #answer(call: IncomingCall): Promise<void> {
    const started = performance.now();
    this.#inFlight++;
    try {
      const route = this.routes.get(call.path);
      const block = call.headers;
      const headers = block ? decodeHeaders(block) : NO_HEADERS;
      const id = wantsLogTail(headers) ? headers['mesh-id'] : undefined;
      const invoked = await (id === undefined
        ? this.#run(route, headers, call)
        : this.tails.gather(id, () => this.#run(route, headers, call)));
      if (invoked.outcome.rest === undefined) this.#reply(call, headers, invoked, started);
      else await this.#replyInPieces(call, headers, invoked, invoked.outcome.rest, started);
    } catch (error) {
      this.log.error('A call could not be answered.', error);
    } finally {
      if (--this.#inFlight === 0) for (const resolve of this.#idle.splice(0)) resolve();
    }
  }

  #run(route: Route | undefined, headers: HeaderMap, call: IncomingCall): Promise<Invoked> {
    return this.invoke.run(route, headers, call.body, FIRST, call.rest);
  }

  #reply(call: IncomingCall, asked: HeaderMap, { id, version, outcome }: Invoked, started: number): void {
    const { outcome: code, status, headers, body } = replyOf(outcome, id, version, this.maxBody());
    call.reply(headers, body);
    this.#record(call, asked, { id, version, outcome: code, status, cause: outcome.cause }, started);
  }

  /** What breaks off is recorded as what broke it off, although the caller was told another status by then. */
  async #replyInPieces(
    call: IncomingCall,
    asked: HeaderMap,
    invoked: Invoked,
    rest: AsyncIterable<Uint8Array>,
    started: number,
  ): Promise<void> {
    const { id, version, outcome } = invoked;
    const { body, rest: _, ...head } = outcome;
    const encoded = replyOf({ ...head, body: NO_BYTES }, id, version, this.maxBody());
    if (!call.acceptsStream || encoded.outcome !== head.outcome) {
      const whole = await collect(outcome, id, this.maxBody());
      return this.#reply(call, asked, { id, version, outcome: whole }, started);
    }
    const fault = await call
      .replyStream(encoded.headers, joined(body, rest))
      .then(() => undefined, asMeshError);
    letGo(rest);
    const { code, status, cause } = fault ?? { code: head.outcome, status: head.status, cause: undefined };
    const why = cause === undefined ? undefined : describe(cause);
    this.#record(call, asked, { id, version, outcome: code, status, cause: why }, started);
  }

  #record(
    { path }: IncomingCall,
    asked: HeaderMap,
    { id, version, outcome, status, cause }: Ended,
    started: number,
  ): void {
    const duration = performance.now() - started;
    this.counters.get(path)?.count(duration, outcome === 'ok' ? undefined : outcome);
    this.recorder.record({ id, path, version, status, outcome, duration, attempt: FIRST }, asked);
    if (cause) this.log.warn(`${path}@${version ?? '?'} ${outcome}`, { id, ...cause });
  }
}
