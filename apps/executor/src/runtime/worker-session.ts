import { asMeshError, type ErrorCode, MeshError } from '#contracts';
import type { CallRequest, Outcome } from '#handler/runtime';
import { monotonicNow } from './clock.js';
import { Flows } from './flows.js';
import { LOAD_LIMIT_MS, loadTimeout } from './load-handler.js';
import { NestedCalls } from './nested-calls.js';
import { Overruns } from './overruns.js';
import { fail, isOutcome, messageOf, type Run } from './run.js';
import { RunTable } from './run-table.js';
import type { HandlerPort, HandlerSpec } from './runtime.js';
import {
  Batch,
  type FromWorker,
  fromCrossing,
  type StartWorker,
  type ToWorker,
  type WorkerLink,
} from './worker-protocol.js';

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
  readonly #runs = new RunTable<Run>();
  /** What came while it was starting. */
  readonly #held = new Map<number, Run>();
  readonly #out: Batch<ToWorker>;
  readonly #overruns: Overruns;
  /** Bodies in pieces of the runs that it has. */
  readonly #flows: Flows;
  readonly #calls: NestedCalls;
  #timer: NodeJS.Timeout | undefined;
  #dying: unknown;
  /** Runs that were sent to it. */
  sent = 0;

  constructor(
    private readonly owner: SessionOwner,
    start: StartWorker,
  ) {
    // Several messages of one network read arrive in one turn: the microtask comes after the last of them.
    this.#out = new Batch((messages) => this.#post(messages), queueMicrotask);
    this.#flows = new Flows(
      (message) => this.#out.add(message),
      (piece) => new Uint8Array(piece),
    );
    this.#calls = new NestedCalls(owner.port);
    this.#overruns = new Overruns(
      owner.graceMs,
      (verdict) => this.#overran(verdict),
      () => this.#runs.size > 0,
    );
    this.#timer = setTimeout(() => this.#end('unready', loadTimeout()), LOAD_LIMIT_MS);
    void this.#start(start);
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
    else this.#send(run);
  }

  /** @returns whether the run was here */
  abort(key: number, reason: string): boolean {
    if (!this.#held.delete(key)) {
      const run = this.#runs.take(key);
      if (!run) return false;
      this.#letGo(run);
      this.#calls.cancel(key);
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

  #send(run: Run): void {
    run.order = ++this.sent;
    this.#runs.add(run.invocation.key, run);
    this.#out.add(messageOf(run));
    const { key, rest } = run.invocation;
    if (rest) void this.#flows.give(key, rest);
  }

  /** Nobody wants what it gives or takes in pieces any more. */
  #letGo({ invocation: { key, rest }, stream }: Run): void {
    if (rest) this.#flows.cancel(key);
    if (stream) this.#flows.end(key);
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
        return this.#done(message[1], { ...message[2], body: fromCrossing(message[3]) });
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
        void this.#call(message[1], message[2], message[3], message[4]);
        return;
      case 'head':
        return this.#head(message[1], { ...message[2], body: fromCrossing(message[3]) });
      case 'chunk':
      case 'credit':
      case 'cancel':
        return this.#flows.receive(message);
      case 'end':
      case 'break':
        return this.#ended(message);
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
    for (const run of this.#held.values()) this.#send(run);
    this.#held.clear();
  }

  #done(key: number, outcome: Outcome): void {
    const run = this.#runs.take(key);
    if (!run) return this.#overruns.stopped(key);
    if (!isOutcome(outcome) || run.stream) {
      fail(run, new MeshError('bad-answer'));
      throw new Error('Not an outcome.');
    }
    if (run.invocation.rest) this.#flows.cancel(key);
    run.resolve(outcome);
    this.#checkIdle();
  }

  /** An answer in pieces has begun. */
  #head(key: number, outcome: Outcome): void {
    const run = this.#runs.get(key);
    // Who called it has been answered.
    if (!run) return this.#out.add(['cancel', key]);
    if (!isOutcome(outcome) || run.stream) throw new Error('Not the beginning of an answer.');
    run.stream = this.#flows.take(key);
    run.resolve({ ...outcome, rest: run.stream });
  }

  /** An answer in pieces has ended, and so has its run. */
  #ended(message: Extract<FromWorker, readonly ['end' | 'break', ...unknown[]]>): void {
    const key = message[1];
    const run = this.#runs.get(key);
    if (!run) return this.#overruns.stopped(key);
    if (!run.stream) throw new Error('The end of what did not begin.');
    this.#flows.receive(message);
    this.#runs.take(key);
    this.#letGo(run);
    this.#checkIdle();
  }

  async #call(call: number, path: string, request: CallRequest, key: number): Promise<void> {
    const reply = await this.#calls
      .call(key, path, request)
      .catch((error: unknown): ErrorCode => asMeshError(error).code);
    this.#out.add(['reply', call, reply]);
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
    this.#calls.cancelAll();
    const waiting = this.#runs.takeAll().filter((run) => run.order > begun || !fail(run, fault));
    this.#flows.fail(fault);
    for (const run of waiting) this.#runs.add(run.invocation.key, run);
    this.owner.ended(this, { why, fault });
    if (waiting.length > 0) void this.#handBack(fault);
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
