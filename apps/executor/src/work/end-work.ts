import {
  type ControlPath,
  type DeadReason,
  MeshError,
  type WorkRouting,
  type WorkSettings,
} from '#contracts';
import { errorOutcome, type Outcome } from '#handler/runtime';
import type { Log } from '#lifecycle';
import type { Recorder } from '../audit/recorder.js';
import type { Counters } from '../counters.js';
import type { Deliver, KeptState } from '../deliver.js';
import type { DeadLetters } from './dead-letters.js';
import { type Ledger, type Tried, UNTRIED } from './ledger.js';
import { isAway, untilCertain } from './until-certain.js';
import { verdictOf } from './verdict.js';
import type { WorkCounters } from './work-counters.js';
import type { WorkEvent } from './work-event.js';

/** How long the end of a run waits for a server that is away, ms: by then another executor has the event. */
const CERTAIN_MS = 60_000;
/** What can be kept nowhere yet is tried again after so long, ms. */
const NO_ROOM_MS = 30_000;
/** An event may be faster than its route: so long after it was accepted, ms, a missing one is waited for. */
const ROUTE_GRACE_MS = 5_000;
const ROUTE_WAIT_MS = 500;
const MAX_ERROR = 1_024;

/** One run of a handler, or what stood in its place. */
export interface Run {
  readonly outcome: Outcome;
  /** The version that ran; absent when none did. */
  readonly version?: string;
  readonly settings?: WorkSettings | undefined;
  /** 1 for the first; 0 when it never ran. */
  readonly attempt: number;
  /** ms */
  readonly duration: number;
  /** What was read of an asynchronous call before it ran. */
  readonly known?: KeptState | undefined;
}

export interface EndParts {
  readonly ledger: Ledger;
  readonly deadLetters: DeadLetters;
  readonly deliver: Deliver;
  readonly recorder: Pick<Recorder, 'record'>;
  /** Of the runs of each path, calls and work together. */
  readonly counters: ReadonlyMap<ControlPath, Counters>;
  readonly workCounters: WorkCounters;
  readonly log: Log;
}

/**
 * From a run to the end of its event in the stream.
 *
 *   done   result → confirmed ack → record
 *   dead   result → dead letter → confirmed ack → record
 *   retry  attempt written down → nak with a delay → record
 *   again  the same, and the attempt does not count
 *
 * Invariant: the ack comes after everything that must not be lost has been confirmed; so whatever breaks, the event
 * is delivered again. Each step rejects with what kept it from being certain: {@link EndWork.leaveBehind} is for that.
 */
export class EndWork {
  constructor(private readonly parts: EndParts) {}

  settle(event: WorkEvent, run: Run): Promise<void> {
    const { attempt, settings, outcome } = run;
    if (outcome.outcome === 'ok') return this.#done(event, run);
    if (isEarly(event, outcome)) return this.#again(event, run, ROUTE_WAIT_MS);
    const verdict = verdictOf(outcome, { attempt, deliveries: event.item.deliveries, settings });
    switch (verdict.end) {
      case 'done':
        return this.#done(event, run);
      case 'dead':
        return this.#dead(event, run, verdict.reason);
      case 'retry':
        return this.#retry(event, run, verdict.delayMs, verdict.crashed);
      case 'again':
        return this.#again(event, run, verdict.delayMs);
    }
  }

  /** A dead letter without a run. */
  async bury(event: WorkEvent, fault: MeshError, reason: DeadReason = fault.code): Promise<void> {
    const outcome = errorOutcome(fault, event.work.id, fault.cause);
    await this.#dead(event, { outcome, attempt: event.tried.started, duration: 0 }, reason);
  }

  /** Cancelled before it ran, or done already and only not acknowledged. */
  async unwanted(event: WorkEvent, { state }: KeptState): Promise<void> {
    await this.#acknowledge(event);
    if (state?.state !== 'cancelled') return;
    const outcome = errorOutcome(new MeshError('cancelled'), event.work.id);
    this.#record(event, { outcome, attempt: event.tried.started, duration: 0 });
  }

  /** Back to the stream without having begun; that is written down, so that nobody takes it for a crash. */
  async giveBack(event: WorkEvent, delayMs: number): Promise<void> {
    const { ledger } = this.parts;
    const isNew = event.item.deliveries === 1;
    if (isNew) await ledger.write(event, UNTRIED).catch(() => undefined);
    // Of one that came before and was not looked up nothing is known.
    if (isNew || event.tried !== UNTRIED) ledger.remember(event, event.tried);
    event.item.later(delayMs);
  }

  /** It stays in the stream and comes again. */
  leaveBehind(event: WorkEvent, error: unknown): void {
    const { log } = this.parts;
    // Said on a later connection, it could take the event from another executor that has it by then.
    if (isAway(error)) return;
    log.error('Work could not be brought to an end; it stays in the stream.', { id: event.work.id, error });
    event.item.later(NO_ROOM_MS);
  }

  async #done(event: WorkEvent, run: Run): Promise<void> {
    if (asksForResult(event.work)) await this.#deliver(event, run);
    await this.#acknowledge(event);
    this.#record(event, run);
  }

  async #dead(event: WorkEvent, run: Run, reason: DeadReason): Promise<void> {
    await this.#deliver(event, run);
    await this.#putDeadLetter(event, run, reason, errorText(run.outcome));
    await this.#acknowledge(event);
    this.parts.workCounters.count(event.path, 'dead');
    this.#record(event, run);
  }

  async #putDeadLetter(
    event: WorkEvent,
    { attempt, version }: Run,
    reason: DeadReason,
    error: string,
  ): Promise<void> {
    const { deadLetters, ledger } = this.parts;
    const facts = { reason, error, attempts: attempt, at: Date.now() };
    const all = version === undefined ? facts : { ...facts, version };
    try {
      await untilCertain(() => deadLetters.put(event, all), CERTAIN_MS);
    } catch (fault) {
      // What it died of is not forgotten; it is not run again.
      const tried: Tried = { started: attempt, failed: attempt, dead: { reason, error } };
      await ledger.write(event, tried);
      ledger.remember(event, tried);
      throw fault;
    }
  }

  async #retry(event: WorkEvent, run: Run, delayMs: number, crashed: boolean): Promise<void> {
    const { started, failed } = event.tried;
    await this.#sendBack(event, delayMs, {
      started: started + 1,
      failed: crashed ? failed : failed + 1,
      notBefore: Date.now() + delayMs,
      lastError: errorText(run.outcome),
    });
    this.parts.workCounters.count(event.path, 'retried');
    this.#record(event, run);
  }

  /** As if it had not begun. */
  async #again(event: WorkEvent, run: Run, delayMs: number): Promise<void> {
    await this.#sendBack(event, delayMs, { ...event.tried, notBefore: Date.now() + delayMs });
    this.#record(event, run);
  }

  async #sendBack(event: WorkEvent, delayMs: number, tried: Tried): Promise<void> {
    const { ledger } = this.parts;
    await untilCertain(() => ledger.write(event, tried), CERTAIN_MS);
    ledger.remember(event, tried);
    event.item.later(delayMs);
  }

  #deliver(event: WorkEvent, { outcome, version, attempt, known }: Run): Promise<void> {
    return this.parts.deliver.result(event, outcome, version, attempt, known);
  }

  /** Through a break of the connection too: as long as the delivery is ours, the new one takes the ack. */
  async #acknowledge(event: WorkEvent): Promise<void> {
    try {
      await event.item.done();
    } catch {
      await untilCertain(() => event.item.done(), CERTAIN_MS);
    }
    if (event.item.deliveries > 1) this.parts.ledger.forget(event);
  }

  #record({ path, work, headers }: WorkEvent, { outcome, version, attempt, duration }: Run): void {
    const { counters, recorder, log } = this.parts;
    const { outcome: code, status, cause } = outcome;
    counters.get(path)?.count(duration, code === 'ok' ? undefined : code);
    const shown = Math.max(1, attempt);
    recorder.record({ id: work.id, path, version, status, outcome: code, duration, attempt: shown }, headers);
    if (cause) log.warn(`${path}@${version ?? '?'} ${code}`, { id: work.id, attempt, ...cause });
  }
}

/** The route, or the version that was asked for, may still be on its way to this executor. */
const isEarly = ({ item }: WorkEvent, { outcome }: Outcome): boolean =>
  (outcome === 'no-route' || outcome === 'no-version') && Date.now() - item.storedAt < ROUTE_GRACE_MS;

const asksForResult = ({ keep, callback, reply }: WorkRouting): boolean =>
  keep || callback !== undefined || reply !== undefined;

/** For the operator: what was thrown, or what the mesh says, or what the handler answered. */
function errorText({ outcome, cause, detail, body }: Outcome): string {
  if (cause) return `${cause.name}: ${cause.message}`.slice(0, MAX_ERROR);
  if (outcome === 'failed') return Buffer.from(body).subarray(0, MAX_ERROR).toString();
  return detail ?? new MeshError(outcome === 'ok' ? 'internal' : outcome).message;
}
