import { asMeshError, type ErrorCode, MeshError } from '#contracts';
import type { CallRequest, Outcome } from '#handler/runtime';
import { Flows } from './flows.js';
import { NestedCalls } from './nested-calls.js';
import { fail, isOutcome, messageOf, type Run } from './run.js';
import { RunTable } from './run-table.js';
import type { HandlerPort } from './runtime.js';
import type { FlowMessage, ToWorker } from './worker-protocol.js';

/** The end of a stream, well or not. */
export type EndMessage = Extract<FlowMessage, readonly ['end' | 'break', ...unknown[]]>;

/**
 * The runs that one worker has, with their bodies in pieces and what they call meanwhile.
 *
 *   begin ──► done                    its outcome is known
 *     ├─────► head ──► … ──► ended    … and comes in pieces
 *     └─────► abort                   nobody wants it any more
 *
 * Each method that takes what a worker sent throws an Error for what none sends that means well.
 */
export class WorkerRuns {
  readonly #runs = new RunTable<Run>();
  readonly #flows: Flows;
  readonly #calls: NestedCalls;
  /** Runs that were sent to it. */
  sent = 0;

  constructor(
    private readonly tell: (message: ToWorker) => void,
    port: Pick<HandlerPort, 'call'>,
  ) {
    this.#flows = new Flows(tell, (piece) => new Uint8Array(piece));
    this.#calls = new NestedCalls(port);
  }

  get size(): number {
    return this.#runs.size;
  }

  begin(run: Run): void {
    const { key, rest } = run.invocation;
    run.order = ++this.sent;
    this.#runs.add(key, run);
    this.tell(messageOf(run));
    if (rest) void this.#flows.give(key, rest);
  }

  /** @returns the run, if it was here */
  abort(key: number): Run | undefined {
    const run = this.#runs.take(key);
    if (!run) return undefined;
    this.#letGo(run);
    this.#calls.cancel(key);
    return run;
  }

  /** @returns whether it was here, and not aborted before */
  done(key: number, outcome: Outcome): boolean {
    const run = this.#runs.take(key);
    if (!run) return false;
    if (!isOutcome(outcome) || run.stream) {
      fail(run, new MeshError('bad-answer'));
      throw new Error('Not an outcome.');
    }
    if (run.invocation.rest) this.#flows.cancel(key);
    run.resolve(outcome);
    return true;
  }

  head(key: number, outcome: Outcome): void {
    const run = this.#runs.get(key);
    // Who called it has been answered.
    if (!run) return this.tell(['cancel', key]);
    if (!isOutcome(outcome) || run.stream) throw new Error('Not the beginning of an answer.');
    run.stream = this.#flows.take(key);
    run.resolve({ ...outcome, rest: run.stream });
  }

  /** @returns whether it was here, and not aborted before */
  ended(message: EndMessage): boolean {
    const key = message[1];
    const run = this.#runs.get(key);
    if (!run) return false;
    if (!run.stream) throw new Error('The end of what did not begin.');
    this.#flows.receive(message);
    this.#runs.take(key);
    this.#letGo(run);
    return true;
  }

  flow(message: FlowMessage): void {
    this.#flows.receive(message);
  }

  async call(call: number, path: string, request: CallRequest, key: number): Promise<void> {
    const reply = await this.#calls
      .call(key, path, request)
      .catch((error: unknown): ErrorCode => asMeshError(error).code);
    this.tell(['reply', call, reply]);
  }

  /** The worker has ended: those that it had begun are answered. @returns how many there are that it had not */
  lost(fault: MeshError, begun: number): number {
    this.#calls.cancelAll();
    const waiting = this.takeAll().filter((run) => run.order > begun || !fail(run, fault));
    this.#flows.fail(fault);
    for (const run of waiting) this.#runs.add(run.invocation.key, run);
    return waiting.length;
  }

  takeAll(): Run[] {
    return this.#runs.takeAll();
  }

  /** Nobody wants what it gives or takes in pieces any more. */
  #letGo({ invocation: { key, rest }, stream }: Run): void {
    if (rest) this.#flows.cancel(key);
    if (stream) this.#flows.end(key);
  }
}
