import { setTimeout as delay } from 'node:timers/promises';
import { MeshError } from '#contracts';
import { errorOutcome, type Outcome } from '#handler/runtime';
import { monotonicNow } from './clock.js';
import { Restarts } from './restarts.js';
import type { Run } from './run.js';
import type { HandlerPort, HandlerSpec, Instance, Invocation } from './runtime.js';
import type { StartWorker } from './worker-protocol.js';
import { type End, Session, type SessionOwner } from './worker-session.js';

/** Workers that were ended and are not gone, as threads are that block in native code: so many, then no more are made. */
const MOST_STUCK = 4;
/** How long the end waits for a worker to be gone, ms: a thread may be blocked in native code for ever. */
const CLOSE_MS = 2_000;

/**
 * Runs one version of a handler in a worker, which is started when it is first needed and replaced when it ends.
 *
 * Invariants: at most one worker takes runs; one that a run was lost in takes no more; while no worker may be started
 * every call is answered at once.
 */
export class WorkerInstance implements Instance, SessionOwner {
  #current: Session | undefined;
  /** Those that take no more runs and still have some. */
  readonly #leaving = new Set<Session>();
  readonly #restarts = new Restarts(monotonicNow);
  /** No worker before then, by the monotonic clock; and why. */
  #notBefore = 0;
  #fault: MeshError | undefined;
  #restart: NodeJS.Timeout | undefined;
  #stuck = 0;
  /** Runs of the current worker when it was last asked to rest. */
  #rested = -1;
  #closed = false;
  #waiting: (() => void)[] = [];

  constructor(
    readonly spec: HandlerSpec,
    readonly port: HandlerPort,
    private readonly start: StartWorker,
    readonly graceMs: number,
  ) {}

  get inFlight(): number {
    let count = this.#current?.inFlight ?? 0;
    for (const session of this.#leaving) count += session.inFlight;
    return count;
  }

  invoke(invocation: Invocation): Promise<Outcome> {
    return new Promise((resolve) => {
      const deadline = monotonicNow() + invocation.timeout;
      this.#give({ invocation, deadline, resolve, order: 0, moved: false });
    });
  }

  abort(key: number, reason: string): void {
    if (this.#current?.abort(key, reason)) return;
    for (const session of this.#leaving) if (session.abort(key, reason)) return;
  }

  warm(): void {
    if (!this.#closed) this.#session();
  }

  rest(): void {
    const session = this.#current;
    if (session && session.inFlight === 0 && session.sent === this.#rested) session.release();
    this.#rested = this.#current?.sent ?? -1;
  }

  async close(): Promise<void> {
    while (this.inFlight > 0) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    this.#closed = true;
    clearTimeout(this.#restart);
    const current = this.#current;
    current?.release();
    if (current) await Promise.race([current.gone, delay(CLOSE_MS, undefined, { ref: false })]);
  }

  ready(): void {
    this.#restarts.loaded();
    this.#fault = undefined;
    this.port.state(this.spec, undefined);
  }

  retired(session: Session): void {
    if (session === this.#current) this.#current = undefined;
    this.#leaving.add(session);
    this.#replace();
  }

  ended(session: Session, end: End): void {
    const wasRetired = this.#leaving.has(session);
    if (session === this.#current) this.#current = undefined;
    if (session.inFlight > 0) this.#leaving.add(session);
    this.#await(session);
    if (end.why === 'released' || this.#closed) return;
    if (end.why === 'unready') return this.#unready(end.fault);
    if (end.why === 'crashed') this.#degraded(end.fault);
    // One that nobody used and that ends all the same would do so again.
    if (!wasRetired && session.sent > 0) this.#replace();
  }

  rerun(run: Run): void {
    this.#give(run);
  }

  idle(session: Session): void {
    if (session !== this.#current) this.#leaving.delete(session);
    if (this.#waiting.length > 0 && this.inFlight === 0)
      for (const resolve of this.#waiting.splice(0)) resolve();
  }

  #give(run: Run): void {
    const session = this.#current ?? this.#session();
    if (session) session.take(run);
    else run.resolve(this.#refusal(run.invocation.id));
  }

  #session(): Session | undefined {
    if (this.#current) return this.#current;
    if (this.#closed || this.#stuck >= MOST_STUCK || monotonicNow() < this.#notBefore) return undefined;
    clearTimeout(this.#restart);
    this.#rested = -1;
    this.#current = new Session(this, this.start);
    return this.#current;
  }

  /** There is no worker now, and none can be started. */
  #refusal(id: string): Outcome {
    if (this.#closed) return errorOutcome(new MeshError('shutting-down'), id);
    const seconds = Math.max(1, Math.ceil((this.#notBefore - monotonicNow()) / 1_000));
    const fault = this.#fault ?? new MeshError('worker-restarting');
    return { ...errorOutcome(fault, id), meta: { headers: { 'retry-after': String(seconds) } } };
  }

  /** Only those who call pay for the next attempt: nothing says that it would go better now. */
  #unready(fault: MeshError): void {
    this.#degraded(fault);
    // The mesh's own doing, such as a store that is away: whoever calls may ask it again.
    if (fault.code.startsWith('artifact-') || fault.code === 'store-unavailable') return;
    this.#fault = fault;
    this.#notBefore = monotonicNow() + this.#restarts.neverReady();
  }

  /** One that was in use ended: the next call shall find another ready. */
  #replace(): void {
    const delayMs = this.#restarts.ended();
    this.#fault = undefined;
    this.#notBefore = monotonicNow() + delayMs;
    clearTimeout(this.#restart);
    if (delayMs > 0) this.#restart = setTimeout(() => this.warm(), delayMs + 1);
    else this.warm();
  }

  #degraded({ code, detail, message }: MeshError): void {
    this.port.state(this.spec, { code, detail: detail ?? message });
  }

  #await(session: Session): void {
    this.#stuck++;
    const gone = () => {
      this.#stuck--;
    };
    session.gone.then(gone, gone);
  }
}
