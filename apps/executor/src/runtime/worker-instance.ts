import { setTimeout as delay } from 'node:timers/promises';
import { MeshError, type OutcomeCode } from '#contracts';
import { errorOutcome, type Outcome } from '#handler/runtime';
import { monotonicNow } from './clock.js';
import { Restarts } from './restarts.js';
import type { Run } from './run.js';
import type { HandlerPort, HandlerSpec, Instance, Invocation, WorkerStates } from './runtime.js';
import type { StartWorker } from './worker-protocol.js';
import { type End, Session, type SessionOwner } from './worker-session.js';

/** Workers that were ended and are not gone, as threads are that block in native code: so many, then no more are made. */
const MOST_STUCK = 4;
/** How long the end waits for a worker to be gone, ms: a thread may be blocked in native code for ever. */
const CLOSE_MS = 2_000;
/** What comes of a run that came to its end: whatever the handler said, its worker is well. */
const WELL: ReadonlySet<OutcomeCode> = new Set(['ok', 'failed', 'handler-error']);

/**
 * Runs one version of a handler in a worker, which is started when it is first needed and replaced when it ends; or in
 * several, as many as it may have: the least busy one gets the next run, and while all are busy there is one more.
 *
 * Invariants: one that a run was lost in takes no more; while there is none and none may be started every call is
 * answered at once.
 */
export class WorkerInstance implements Instance, SessionOwner {
  /** Those that take runs, and of these those that have loaded. */
  #workers: readonly Session[] = [];
  readonly #ready = new Set<Session>();
  /** Those that take no more runs and still have some. */
  readonly #leaving = new Set<Session>();
  readonly #restarts = new Restarts(monotonicNow);
  /** No worker before then, by the monotonic clock; and why. */
  #notBefore = 0;
  #fault: MeshError | undefined;
  /** A worker in use was lost, and no run has come to its end since: that it loads again says nothing. */
  #lost = false;
  #restart: NodeJS.Timeout | undefined;
  #stuck = 0;
  /** Runs of each worker when it was last asked to rest. */
  readonly #rested = new WeakMap<Session, number>();
  /** Who wants to know when one is ready, or is not going to be. */
  #loading: (() => void)[] = [];
  #closed = false;
  #waiting: (() => void)[] = [];

  constructor(
    readonly spec: HandlerSpec,
    readonly port: HandlerPort,
    private readonly start: StartWorker,
    readonly graceMs: number,
  ) {}

  get inFlight(): number {
    let count = 0;
    for (const session of this.#workers) count += session.inFlight;
    for (const session of this.#leaving) count += session.inFlight;
    return count;
  }

  invoke(invocation: Invocation): Promise<Outcome> {
    return new Promise((resolve) => {
      const deadline = monotonicNow() + invocation.timeout;
      const told = this.#lost ? this.#watched(resolve) : resolve;
      this.#give({ invocation, deadline, resolve: told, order: 0, moved: false });
    });
  }

  abort(key: number, reason: string): void {
    for (const session of this.#workers) if (session.abort(key, reason)) return;
    for (const session of this.#leaving) if (session.abort(key, reason)) return;
  }

  async warm(): Promise<void> {
    while (this.#workers.length < this.#least && this.#start());
    if (this.#ready.size > 0 || this.#workers.length === 0) return;
    await new Promise<void>((resolve) => this.#loading.push(resolve));
  }

  rest(): void {
    // The last ones first: those before them get the runs.
    for (const session of this.#workers.toReversed()) {
      const isIdle = session.inFlight === 0 && session.sent === this.#rested.get(session);
      this.#rested.set(session, session.sent);
      if (isIdle && this.#workers.length > (this.spec.host?.allotment().warm ?? 0)) session.release();
    }
  }

  states(): WorkerStates {
    const ready = this.#ready.size;
    const leaving = this.#leaving.size;
    return { starting: this.#workers.length - ready, ready, leaving, ended: this.#stuck };
  }

  async close(): Promise<void> {
    while (this.inFlight > 0) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    this.#closed = true;
    clearTimeout(this.#restart);
    const workers = this.#workers;
    for (const session of workers) session.release();
    const gone = Promise.all(workers.map((session) => session.gone));
    if (workers.length > 0) await Promise.race([gone, delay(CLOSE_MS, undefined, { ref: false })]);
  }

  async startTurn(): Promise<() => void> {
    const pauseMs = this.#restarts.pause();
    if (pauseMs > 0) await delay(pauseMs, undefined, { ref: false });
    return this.spec.host?.startTurn() ?? (() => {});
  }

  ready(session: Session): void {
    this.#ready.add(session);
    this.#tellLoaded();
    this.#restarts.loaded();
    this.#fault = undefined;
    if (!this.#lost) this.port.state(this.spec, undefined);
  }

  retired(session: Session): void {
    this.#drop(session);
    this.#leaving.add(session);
    this.#replace();
  }

  ended(session: Session, end: End): void {
    const wasRetired = this.#leaving.has(session);
    this.#drop(session);
    this.#tellLoaded();
    if (this.spec.host) this.spec.host.tally.ends[end.why]++;
    if (session.inFlight > 0) this.#leaving.add(session);
    this.#await(session);
    if (end.why === 'released' || this.#closed) return;
    if (end.why === 'unready') return this.#unready(end.fault);
    this.#lost = true;
    this.#degraded(end.fault);
    // One that nobody used and that ends all the same would do so again.
    if (!wasRetired && session.sent > 0) this.#replace();
  }

  rerun(run: Run): void {
    this.#give({ ...run, resolve: this.#watched(run.resolve) });
  }

  idle(session: Session): void {
    if (!this.#workers.includes(session)) this.#leaving.delete(session);
    if (this.#waiting.length > 0 && this.inFlight === 0)
      for (const resolve of this.#waiting.splice(0)) resolve();
  }

  #give(run: Run): void {
    const session = this.#leastBusy();
    if (session) session.take(run);
    else run.resolve(this.#refusal(run.invocation.id));
  }

  /** The first of the least busy ones, so that what is not needed becomes idle; or a new one. */
  #leastBusy(): Session | undefined {
    let [least] = this.#workers;
    if (!least) return this.#start();
    for (const session of this.#workers) if (session.load < least.load) least = session;
    if (least.load === 0 || !this.#mayGrow()) return least;
    return this.#start() ?? least;
  }

  #mayGrow(): boolean {
    const { host } = this.spec;
    return host !== undefined && this.#workers.length < host.allotment().workers && host.mayGrow();
  }

  /** Workers that there should be. */
  get #least(): number {
    return Math.max(1, this.spec.host?.allotment().warm ?? 0);
  }

  #start(): Session | undefined {
    if (this.#closed || this.#stuck >= MOST_STUCK || monotonicNow() < this.#notBefore) return undefined;
    clearTimeout(this.#restart);
    const session = new Session(this, this.start);
    this.#workers = [...this.#workers, session];
    if (this.spec.host) this.spec.host.tally.starts++;
    return session;
  }

  #drop(session: Session): void {
    this.#ready.delete(session);
    this.#workers = this.#workers.filter((one) => one !== session);
  }

  #tellLoaded(): void {
    for (const resolve of this.#loading.splice(0)) resolve();
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
    if (delayMs > 0) this.#restart = setTimeout(() => void this.warm(), delayMs + 1);
    else void this.warm();
  }

  /** @returns tells, and takes the fault back once a run has come to its end */
  #watched(resolve: (outcome: Outcome) => void): (outcome: Outcome) => void {
    return (outcome) => {
      if (this.#lost && WELL.has(outcome.outcome)) {
        this.#lost = false;
        this.port.state(this.spec, undefined);
      }
      resolve(outcome);
    };
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
