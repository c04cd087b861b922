import { type ControlPath, decodeHeaders, type HeaderMap, type Route, wantsLogTail } from '#contracts';
import type { CallIntake, IncomingCall, RouteTable, ServedPath } from '#fabric';
import type { Log } from '#lifecycle';
import type { Recorder } from '../audit/recorder.js';
import { Counters } from '../counters.js';
import type { Invoke, Invoked } from '../invoke.js';
import type { LogTails } from '../log-tails.js';
import { replyOf } from '../settle.js';

/** A call is tried once. */
const FIRST = 1;
const NO_HEADERS: HeaderMap = Object.freeze(Object.create(null));

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
    if (this.#inFlight > 0) await new Promise<void>((resolve) => this.#idle.push(resolve));
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
      const headers = call.headers ? decodeHeaders(call.headers) : NO_HEADERS;
      const run = () => this.invoke.run(route, headers, call.body, FIRST);
      const id = wantsLogTail(headers) ? headers['mesh-id'] : undefined;
      const invoked = await (id === undefined ? run() : this.tails.gather(id, run));
      this.#reply(call, headers, invoked, started);
    } catch (error) {
      this.log.error('A call could not be answered.', error);
    } finally {
      if (--this.#inFlight === 0) for (const resolve of this.#idle.splice(0)) resolve();
    }
  }

  #reply(call: IncomingCall, asked: HeaderMap, { id, version, outcome }: Invoked, started: number): void {
    const { outcome: code, status, headers, body } = replyOf(outcome, id, version, this.maxBody());
    call.reply(headers, body);
    const duration = performance.now() - started;
    const { path } = call;
    this.counters.get(path)?.count(duration, code === 'ok' ? undefined : code);
    this.recorder.record({ id, path, version, status, outcome: code, duration, attempt: FIRST }, asked);
    if (outcome.cause) this.log.warn(`${path}@${version ?? '?'} ${code}`, { id, ...outcome.cause });
  }
}
