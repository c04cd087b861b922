import {
  asMeshError,
  type ControlPath,
  DEFAULT_ATTEMPTS,
  type DeadReason,
  MeshError,
  type WorkRouting,
  type WorkSettings,
  withoutDefaults,
} from '#contracts';
import type { RouteTable } from '#fabric';
import { errorOutcome, type Outcome } from '#handler/runtime';
import type { Log } from '#lifecycle';
import type { Recorder } from '../audit/recorder.js';
import { pickVersion } from '../catalogue/pick-version.js';
import type { Counters } from '../counters.js';
import { type Deliver, isFinal, type KeptState } from '../deliver.js';
import type { Invoke } from '../invoke.js';
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

/** It has come to its end without a run. */
const SETTLED = Symbol('settled');

/** One run of a handler, or what stood in its place. */
interface Run {
  readonly outcome: Outcome;
  readonly version: string | undefined;
  readonly settings: WorkSettings | undefined;
  /** 1 for the first. */
  readonly attempt: number;
  /** By `performance.now()`. */
  readonly began: number;
  readonly known: KeptState | undefined;
}

export interface WorkParts {
  readonly routes: RouteTable;
  readonly invoke: Invoke;
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
 * From an event that may run to its end in the stream.
 *
 *   begin (expired? cancelled? written down) → invoke → verdict
 *     done   result → confirmed ack → record
 *     dead   result → dead letter → confirmed ack → record
 *     retry  attempt written down → nak with a delay → record
 *     again  the same, and the attempt does not count
 *
 * Invariant: the ack comes after everything that must not be lost has been confirmed; so whatever breaks, the event
 * is delivered again.
 */
export class RunWork {
  constructor(private readonly parts: WorkParts) {}

  /** Attempts that the version allows which is going to run. */
  limitOf(event: WorkEvent): number {
    const { routes } = this.parts;
    const route = routes.get(event.path);
    try {
      const version = route && pickVersion(route, event.work, Math.random);
      return version?.work?.attempts ?? DEFAULT_ATTEMPTS;
    } catch {
      return DEFAULT_ATTEMPTS;
    }
  }

  /**
   * Runs it and brings it to an end. Never rejects.
   * @param ended called when the handler has ended, or is not going to be run: what follows is the mesh's own
   */
  async run(event: WorkEvent, ended: () => void): Promise<void> {
    const began = performance.now();
    try {
      // Most work comes for the first time, and nobody wants to know how it ends: nothing is looked up before it runs.
      const look = isPlain(event) ? undefined : await this.#lookUp(event, began);
      if (look === SETTLED) return;
      const run = await this.#invoke(event, began, look);
      ended();
      if (run.outcome.outcome === 'ok') await this.#done(event, run);
      else await this.#settle(event, run);
    } catch (error) {
      this.#leaveBehind(event, error);
    } finally {
      ended();
    }
  }

  /** Ends it as a dead letter without running it. Never rejects. */
  async dead(event: WorkEvent, fault: MeshError, reason: DeadReason = fault.code): Promise<void> {
    try {
      await this.bury(event, fault, performance.now(), reason);
    } catch (error) {
      this.#leaveBehind(event, error);
    }
  }

  /** It has begun as often as it may, and the last time nobody was left to say how it ended; or the dead letter had no room. */
  async overdue(event: WorkEvent): Promise<void> {
    const { dead } = event.tried;
    const detail = dead?.error ?? 'The executor ended while it was running.';
    await this.dead(event, new MeshError('worker-crashed', detail), dead?.reason ?? 'crashed');
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

  /** What must be known, or written down, before it may run. */
  async #lookUp(event: WorkEvent, began: number): Promise<KeptState | undefined | typeof SETTLED> {
    const { deliver, ledger } = this.parts;
    const { expires, keep } = event.work;
    if (expires !== undefined && expires <= Date.now()) {
      await this.bury(event, new MeshError('expired'), began);
      return SETTLED;
    }
    const known = keep ? await deliver.stateOf(event) : undefined;
    if (known && isFinal(event, known)) {
      await this.#unwanted(event, known, began);
      return SETTLED;
    }
    const { tried } = event;
    if (event.item.deliveries > 1) await ledger.write(event, { ...tried, started: tried.started + 1 });
    return known;
  }

  async #invoke(event: WorkEvent, began: number, known: KeptState | undefined): Promise<Run> {
    const { path, work, headers, item, tried } = event;
    const attempt = tried.started + 1;
    const { routes, invoke } = this.parts;
    try {
      const route = routes.get(path);
      if (!route) throw new MeshError('no-route');
      const live = pickVersion(route, work, Math.random);
      const { version, work: settings } = live;
      const outcome = await invoke.version(route, live, work, withoutDefaults(headers), item.body, attempt);
      return { attempt, began, known, outcome, version, settings };
    } catch (error) {
      const fault = asMeshError(error);
      const outcome = errorOutcome(fault, work.id, fault.cause);
      return { attempt, began, known, outcome, version: undefined, settings: undefined };
    }
  }

  /** The route, or the version that was asked for, may still be on its way to this executor. */
  #isEarly({ item }: WorkEvent, { outcome }: Outcome): boolean {
    return (
      (outcome === 'no-route' || outcome === 'no-version') && Date.now() - item.storedAt < ROUTE_GRACE_MS
    );
  }

  #settle(event: WorkEvent, run: Run): Promise<void> {
    if (this.#isEarly(event, run.outcome)) return this.#again(event, run, ROUTE_WAIT_MS);
    const { attempt, settings, outcome } = run;
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

  async #done(event: WorkEvent, run: Run): Promise<void> {
    if (asksForResult(event.work))
      await this.parts.deliver.result(event, run.outcome, run.version, run.attempt, run.known);
    await this.#acknowledge(event);
    this.#record(event, run);
  }

  /** @throws MeshError what kept the dead letter from being written */
  async #dead(event: WorkEvent, run: Run, reason: DeadReason): Promise<void> {
    const { deliver, deadLetters, ledger, workCounters } = this.parts;
    const { outcome, version, attempt } = run;
    const error = errorText(outcome);
    await deliver.result(event, outcome, version, attempt, run.known);
    const facts = {
      reason,
      error,
      attempts: attempt,
      at: Date.now(),
      ...(version === undefined ? {} : { version }),
    };
    try {
      await untilCertain(() => deadLetters.put(event, facts), CERTAIN_MS);
    } catch (fault) {
      // What it died of is not forgotten; it is not run again.
      const tried: Tried = { started: attempt, failed: attempt, dead: { reason, error } };
      await ledger.write(event, tried);
      ledger.remember(event, tried);
      throw fault;
    }
    await this.#acknowledge(event);
    workCounters.count(event.path, 'dead');
    this.#record(event, run);
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

  /** Cancelled before it ran, or done already and only not acknowledged. */
  async #unwanted(event: WorkEvent, { state }: KeptState, began: number): Promise<void> {
    await this.#acknowledge(event);
    if (state?.state !== 'cancelled') return;
    const outcome = errorOutcome(new MeshError('cancelled'), event.work.id);
    const attempt = event.tried.started + 1;
    this.#record(event, {
      outcome,
      version: undefined,
      settings: undefined,
      attempt,
      began,
      known: undefined,
    });
  }

  /** @throws MeshError what kept the dead letter from being written */
  async bury(
    event: WorkEvent,
    fault: MeshError,
    began: number,
    reason: DeadReason = fault.code,
  ): Promise<void> {
    const outcome = errorOutcome(fault, event.work.id, fault.cause);
    const run: Run = {
      outcome,
      version: undefined,
      settings: undefined,
      attempt: event.tried.started,
      began,
      known: undefined,
    };
    await this.#dead(event, run, reason);
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

  #record({ path, work, headers }: WorkEvent, { outcome, version, attempt, began }: Run): void {
    const { counters, recorder, log } = this.parts;
    const { outcome: code, status, cause } = outcome;
    const duration = performance.now() - began;
    counters.get(path)?.count(duration, code === 'ok' ? undefined : code);
    const run = {
      id: work.id,
      path,
      version,
      status,
      outcome: code,
      duration,
      attempt: Math.max(1, attempt),
    };
    recorder.record(run, headers);
    if (cause) log.warn(`${path}@${version ?? '?'} ${code}`, { id: work.id, attempt, ...cause });
  }

  /** It stays in the stream and comes again. */
  #leaveBehind(event: WorkEvent, error: unknown): void {
    const { log } = this.parts;
    // Said on a later connection, it could take the event from another executor that has it by then.
    if (isAway(error)) return;
    log.error('Work could not be brought to an end; it stays in the stream.', { id: event.work.id, error });
    event.item.later(NO_ROOM_MS);
  }
}

const asksForResult = ({ keep, callback, reply }: WorkRouting): boolean =>
  keep || callback !== undefined || reply !== undefined;

/** There is nothing to look up before it runs. */
const isPlain = ({ item, work }: WorkEvent): boolean =>
  item.deliveries === 1 && !work.keep && work.expires === undefined;

/** For the operator: what was thrown, or what the mesh says, or what the handler answered. */
function errorText({ outcome, cause, detail, body }: Outcome): string {
  if (cause) return `${cause.name}: ${cause.message}`.slice(0, MAX_ERROR);
  if (outcome === 'failed') return Buffer.from(body).subarray(0, MAX_ERROR).toString();
  return detail ?? new MeshError(outcome === 'ok' ? 'internal' : outcome).message;
}
