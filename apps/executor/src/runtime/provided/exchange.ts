import { MeshError, mintMeshId } from '#contracts';
import { errorOutcome, type Outcome } from '#handler/runtime';
import { monotonicNow } from '../clock.js';
import { Flows } from '../flows.js';
import type { FlowMessage, FromWorker, RunMessage, WorkerEvents } from '../worker-protocol.js';
import { INVALID_REQUEST_ID, invalidTransition, type Rejection } from './rejections.js';
import type { Shaped } from './shapes.js';
import { WaitingLine } from './waiting-line.js';

/** A run that the program has. */
export interface Taken {
  readonly run: RunMessage;
  /** By which the program names it. */
  readonly requestId: string;
  /** What it was given, once it was. */
  shaped?: Shaped;
  /** Its answer is being read. */
  isAnswering: boolean;
  /** Nobody waits for it any more; ends the program when it does not end by itself. */
  timer?: NodeJS.Timeout;
}

/** A `next` that waits. */
export interface Poll {
  give(taken: Taken): void;
  /** Another one came in its place: a program that began anew within has forgotten this one. */
  supersede(): void;
}

const KEY = 1;
const ID = 2;
const DEADLINE = 6;
/** A timer may fire a little before the deadline that it was set for. */
const SLACK_MS = 5;

/**
 * Runs on their way into a program and out of it, and what the program may ask when:
 *
 *     started ── next ──► ready ── (a run) ──► running ── response, error ──► responded ── next ──► ready
 *        └── init/error ──► failed
 *
 * Invariants: a run is given to one `next`, in the order in which it came; the program has no more at once than
 * `concurrency`, each with states of its own; whatever it asks, no run is answered twice.
 */
export class Exchange {
  readonly #waiting = new WaitingLine();
  readonly #polls: Poll[] = [];
  readonly #taken = new Map<string, Taken>();
  /** As many as there can be at once: who answers one of these again is told that it has. */
  readonly #answered: string[] = [];
  #phase: 'started' | 'polling' | 'failed' | 'closed' = 'started';
  readonly #flows = new Flows(
    (message) => this.#send(message),
    (piece) => piece,
  );
  #latest = '';

  constructor(
    private readonly concurrency: number,
    private readonly graceMs: number,
    private readonly events: WorkerEvents,
  ) {}

  get begun(): number {
    return this.#waiting.left;
  }

  /** Whose line a line of its output is: of the only run that it has, else of the last one that it got. */
  get speaker(): string {
    const [only] = this.#taken.size === 1 ? this.#taken.values() : [];
    return only ? only.run[ID] : this.#latest;
  }

  add(run: RunMessage): void {
    this.#waiting.add(run);
    this.#match();
  }

  /** Nobody waits for it any more. */
  abort(key: number): void {
    const isWaiting = this.#waiting.drop(key);
    const taken = [...this.#taken.values()].find(({ run }) => run[KEY] === key);
    const left = taken ? taken.run[DEADLINE] - monotonicNow() : 0;
    if (isWaiting || !taken || left > SLACK_MS) {
      this.#flows.cancel(key);
      this.#send(stopped(key));
      if (taken) this.#leaveAlone(taken, left);
      return;
    }
    // Said nothing, it is taken for blocked and ended; one that has others, too, is replaced and ended after them.
    if (this.#taken.size > 1) this.#send(['alive']);
  }

  /** Who called it went away. The program has no way of being told, so it may go on until its deadline. */
  #leaveAlone(taken: Taken, leftMs: number): void {
    const overrun = () => this.events.failed(new MeshError('worker-crashed', 'A run outlived its deadline.'));
    taken.timer = setTimeout(overrun, leftMs + this.graceMs);
  }

  next(poll: Poll): Rejection | undefined {
    if (this.#phase === 'failed' || this.#phase === 'closed')
      return invalidTransition('RuntimeInitError', 'RuntimeReady');
    if (this.#taken.size >= this.concurrency) return invalidTransition('RuntimeRunning', 'RuntimeReady');
    if (this.#taken.size + this.#polls.length >= this.concurrency) this.#polls.shift()?.supersede();
    this.#polls.push(poll);
    if (this.#phase === 'started') {
      this.#phase = 'polling';
      this.#send(['ready']);
    }
    this.#match();
    return undefined;
  }

  /** Its connection was closed. */
  leave(poll: Poll): void {
    const at = this.#polls.indexOf(poll);
    if (at >= 0) this.#polls.splice(at, 1);
  }

  /** An answer to it begins to arrive. */
  claim(requestId: string, to: string): Taken | Rejection {
    const taken = this.#taken.get(requestId);
    if (!taken)
      return this.#answered.includes(requestId)
        ? invalidTransition('RuntimeResponseSent', to)
        : INVALID_REQUEST_ID;
    if (taken.isAnswering) return invalidTransition('RuntimeInvocationResponse', to);
    taken.isAnswering = true;
    return taken;
  }

  /** The answer did not arrive whole. */
  unclaim(taken: Taken): void {
    taken.isAnswering = false;
  }

  settle(taken: Taken, { body, rest: _none, ...outcome }: Outcome): void {
    if (this.finish(taken)) this.#send(['done', taken.run[KEY], outcome, body]);
  }

  /** Its answer begins to be passed on. */
  begin({ run }: Taken, head: Omit<Outcome, 'body' | 'rest'>, body: AsyncIterable<Uint8Array>): void {
    this.#send(['head', run[KEY], head, '']);
    void this.#flows.give(run[KEY], body);
  }

  /** What came is no answer. */
  refuse(taken: Taken, fault: MeshError): void {
    this.settle(taken, errorOutcome(fault, taken.run[ID]));
  }

  /** Its answer has arrived. @returns false for one that has ended already */
  finish({ requestId, timer }: Taken): boolean {
    clearTimeout(timer);
    if (!this.#taken.delete(requestId)) return false;
    if (this.#answered.push(requestId) > this.concurrency) this.#answered.shift();
    return true;
  }

  /** What the executor says of an answer that is being passed on. */
  flow(message: FlowMessage): void {
    this.#flows.receive(message);
  }

  /** It says that it cannot begin. */
  giveUp(): Rejection | undefined {
    if (this.#phase !== 'started') return invalidTransition('RuntimeReady', 'RuntimeInitError');
    this.#phase = 'failed';
    return undefined;
  }

  /** It has been told that this was heard, and may be ended. */
  fail({ code, detail, message, cause }: MeshError): void {
    this.#send(['unloadable', code, detail ?? message, cause as Outcome['cause']]);
  }

  /** Gives nothing more away. */
  close(): void {
    this.#phase = 'closed';
    this.#polls.length = 0;
    for (const { timer } of this.#taken.values()) clearTimeout(timer);
  }

  #match(): void {
    while (this.#polls.length > 0 && !this.#waiting.isEmpty)
      this.#give(this.#waiting.take() as RunMessage, this.#polls.shift() as Poll);
  }

  #give(run: RunMessage, poll: Poll): void {
    // An event that is tried again while its first try still runs has its id twice.
    const requestId = this.#taken.has(run[ID]) ? mintMeshId() : run[ID];
    const taken: Taken = { run, requestId, isAnswering: false };
    this.#taken.set(requestId, taken);
    this.#latest = run[ID];
    poll.give(taken);
  }

  #send(message: FromWorker): void {
    this.events.messages([message]);
  }
}

/** Tells that a run has ended which nobody waits for. */
const stopped = (key: number): FromWorker => ['done', key, { outcome: 'cancelled', status: 499 }, ''];
