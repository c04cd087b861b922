import { asMeshError, MeshError } from '#contracts';
import { monotonicNow } from './clock.js';
import { LOAD_LIMIT_MS, loadTimeout } from './load-handler.js';
import { Overruns } from './overruns.js';
import { fail, type Run } from './run.js';
import type { HandlerPort, HandlerSpec } from './runtime.js';
import {
  Batch,
  type FromWorker,
  fromCrossing,
  type StartWorker,
  type ToWorker,
  type WorkerLink,
} from './worker-protocol.js';
import { WorkerRuns } from './worker-runs.js';

/** Why a worker ended. */
export interface End {
  /** `unready`: before its module was loaded; `overrun`: by us, since a run did not stop; `released`: nobody needs it. */
  readonly why: 'crashed' | 'unready' | 'overrun' | 'released';
  readonly fault: MeshError;
}

export interface SessionOwner {
  readonly spec: HandlerSpec;
  readonly port: HandlerPort;
  readonly graceMs: number;
  /** Resolves when a worker may start. @returns to be called when it has, or has ended */
  startTurn(): Promise<() => void>;
  ready(session: Session): void;
  /** It takes no more runs and ends after those that it has. */
  retired(session: Session): void;
  ended(session: Session, end: End): void;
  /** Of a session that ended: never begun, so that another worker may have it. */
  rerun(run: Run): void;
  /** Nothing is in flight in it. */
  idle(session: Session): void;
}

/** How long others may go on in a worker in which one run did not stop, ms. */
const LEAVE_MS = 5_000;
/** How long to wait for a worker to be gone before those that it did not begin are given up, ms. */
const GONE_MS = 250;

type Phase = 'starting' | 'ready' | 'retired' | 'ended';

/**
 * One worker from its start to its end.
 *
 *     starting ──► ready ──► retired ──► ended        (each may go to `ended` at once)
 *
 * Invariants: a run is here exactly until its outcome is known, it is aborted or it is handed back; a worker gets a run
 * only when it is ready; when it ends, for whatever reason, every run that it had begun is answered at once; nothing
 * that a worker sends can harm more than its own runs.
 */
export class Session {
  #phase: Phase = 'starting';
  #link: WorkerLink | undefined;
  /** Gives back its place among those that start. */
  #started: () => void = () => {};
  /** Resolves when the worker is gone. */
  gone: Promise<unknown> = Promise.resolve();
  readonly #runs: WorkerRuns;
  /** What came while it was starting. */
  readonly #held = new Map<number, Run>();
  readonly #out: Batch<ToWorker>;
  readonly #overruns: Overruns;
  #timer: NodeJS.Timeout | undefined;
  #dying: unknown;

  constructor(
    private readonly owner: SessionOwner,
    start: StartWorker,
  ) {
    // Several messages of one network read arrive in one turn: the microtask comes after the last of them.
    this.#out = new Batch((messages) => this.#post(messages), queueMicrotask);
    this.#runs = new WorkerRuns((message) => this.#out.add(message), owner.port);
    this.#overruns = new Overruns(
      owner.graceMs,
      (verdict) => this.#overran(verdict),
      () => this.#runs.size > 0,
    );
    this.#timer = setTimeout(() => this.#end('unready', loadTimeout()), LOAD_LIMIT_MS);
    void this.#start(start);
  }

  /** Runs that were sent to it. */
  get sent(): number {
    return this.#runs.sent;
  }

  get inFlight(): number {
    return this.#runs.size + this.#held.size;
  }

  /** What it has to do, those included that should have stopped: one that blocks is not idle. */
  get load(): number {
    return this.inFlight + this.#overruns.size;
  }

  take(run: Run): void {
    if (this.#phase === 'starting') this.#held.set(run.invocation.key, run);
    else this.#runs.begin(run);
  }

  /** @returns whether the run was here */
  abort(key: number, reason: string): boolean {
    if (!this.#held.delete(key)) {
      const run = this.#runs.abort(key);
      if (!run) return false;
      if (this.#phase !== 'ended') {
        this.#out.add(['abort', key, reason]);
        this.#overruns.add(key, run.stream && run.deadline);
      }
    }
    this.#checkIdle();
    return true;
  }

  /** Nobody needs it any more. */
  release(): void {
    this.#end('released', new MeshError('shutting-down'));
  }

  async #start(start: StartWorker): Promise<void> {
    const { path, version, entry, export: exportName, shaping, body, environment, folder } = this.owner.spec;
    try {
      const place = await folder.call(this.owner.spec);
      this.#started = await this.owner.startTurn();
      if (this.#phase === 'ended') return this.#started();
      // It was not the worker that took this long.
      this.#timer?.refresh();
      const what = { path, version, entry, export: exportName, shaping, body, folder: place };
      this.#link = start(what, environment, {
        messages: (messages) => this.#receiveAll(messages),
        failed: (fault) => this.#failed(fault),
      });
    } catch (error) {
      this.#end('unready', asMeshError(error));
    }
  }

  #post(messages: ToWorker[]): void {
    if (this.#phase !== 'ended') this.#link?.post(messages);
  }

  /** What comes from a worker is what its handler wants to come: it may be anything. */
  #receiveAll(messages: FromWorker[]): void {
    this.#overruns.heard();
    try {
      for (const message of messages) if (this.#phase !== 'ended') this.#receive(message);
    } catch (cause) {
      this.#failed(new MeshError('worker-crashed', 'It sent what no worker sends.', { cause }));
    }
  }

  #receive(message: FromWorker): void {
    switch (message[0]) {
      case 'done':
        return this.#over(
          message[1],
          this.#runs.done(message[1], { ...message[2], body: fromCrossing(message[3]) }),
        );
      case 'ready':
        return this.#ready();
      case 'unloadable': {
        const [, code, detail, cause] = message;
        return this.#end('unready', new MeshError(code, detail, { cause }));
      }
      case 'alive':
        // Being heard is all.
        return;
      case 'log': {
        const [, id, level, text, fields] = message;
        return this.owner.port.log(this.owner.spec, id, level, text, fields);
      }
      case 'call':
        void this.#runs.call(message[1], message[2], message[3], message[4]);
        return;
      case 'head':
        return this.#runs.head(message[1], { ...message[2], body: fromCrossing(message[3]) });
      case 'chunk':
      case 'credit':
      case 'cancel':
        return this.#runs.flow(message);
      case 'end':
      case 'break':
        return this.#over(message[1], this.#runs.ended(message));
      case 'dying':
        this.#dying = message[1];
        return;
      default:
        throw new Error(`Not a message of a worker: ${String(message[0])}`);
    }
  }

  #ready(): void {
    if (this.#phase !== 'starting') return;
    clearTimeout(this.#timer);
    this.#started();
    this.#phase = 'ready';
    this.owner.ready(this);
    for (const run of this.#held.values()) this.#runs.begin(run);
    this.#held.clear();
  }

  /** @param wasHere it has its outcome only now: it was not aborted before */
  #over(key: number, wasHere: boolean): void {
    if (wasHere) this.#checkIdle();
    else this.#overruns.stopped(key);
  }

  /** A run did not stop when its deadline had passed. */
  #overran(verdict: 'blocked' | 'stubborn'): void {
    // Nothing else can go on in it.
    if (verdict === 'blocked') return this.#end('overrun', overran('It is blocked.'));
    if (this.#phase !== 'ready') return;
    this.#phase = 'retired';
    this.owner.retired(this);
    this.#timer = setTimeout(() => this.#end('overrun', overran('It was left waiting.')), LEAVE_MS);
    this.#checkIdle();
  }

  #failed(fault: MeshError): void {
    const why = this.#phase === 'starting' ? 'unready' : 'crashed';
    const { code, detail, cause } = fault;
    this.#end(why, new MeshError(code, detail, { cause: cause ?? this.#dying }));
  }

  #end(why: End['why'], fault: MeshError): void {
    if (this.#phase === 'ended') return;
    this.#phase = 'ended';
    clearTimeout(this.#timer);
    this.#started();
    this.#overruns.clear();
    const begun = this.#link?.begun() ?? 0;
    this.gone = this.#link?.end() ?? this.gone;
    for (const run of [...this.#held.values()]) fail(run, fault);
    this.#held.clear();
    const waiting = this.#runs.lost(fault, begun);
    this.owner.ended(this, { why, fault });
    if (waiting > 0) void this.#handBack(fault);
    else this.#checkIdle();
  }

  /** Those that it did not begin: certain only when it is gone and cannot begin one any more. */
  async #handBack(fault: MeshError): Promise<void> {
    const isGone = await within(this.gone, GONE_MS);
    const begun = isGone ? (this.#link?.begun() ?? 0) : Number.POSITIVE_INFINITY;
    const runs = this.#runs.takeAll().sort((a, b) => a.order - b.order);
    for (const run of runs) {
      // Of a body in pieces some are gone with the worker.
      if (run.order <= begun || run.moved || run.invocation.rest) fail(run, fault);
      else if (run.deadline > monotonicNow()) this.owner.rerun({ ...run, order: 0, moved: true });
    }
    this.#checkIdle();
  }

  #checkIdle(): void {
    if (this.inFlight > 0) return;
    if (this.#phase === 'retired') this.#end('overrun', overran('It is not needed any more.'));
    else this.owner.idle(this);
  }
}

const overran = (what: string) =>
  new MeshError(
    'worker-crashed',
    `Another call of this handler did not stop at its deadline, so their worker was ended. ${what}`,
  );

async function within(done: Promise<unknown>, ms: number): Promise<boolean> {
  const late = Promise.withResolvers<false>();
  const timer = setTimeout(() => late.resolve(false), ms);
  return Promise.race([done.then(() => true), late.promise]).finally(() => clearTimeout(timer));
}
