import { asMeshError, DEFAULT_ATTEMPTS, type DeadReason, MeshError, withoutDefaults } from '#contracts';
import type { RouteTable } from '#fabric';
import { errorOutcome } from '#handler/runtime';
import { pickVersion } from '../catalogue/pick-version.js';
import { type Deliver, isFinal, type KeptState } from '../deliver.js';
import type { Invoke } from '../invoke.js';
import type { EndWork, Run } from './end-work.js';
import type { Ledger } from './ledger.js';
import type { WorkEvent } from './work-event.js';

/** It has come to its end without a run. */
const SETTLED = Symbol('settled');

/**
 * From an event that may run to its run.
 *
 *   expired? → cancelled, or done before? → written down that it begins → invoke → end-work
 */
export class RunWork {
  constructor(
    private readonly routes: RouteTable,
    private readonly invoke: Invoke,
    private readonly ledger: Ledger,
    private readonly deliver: Deliver,
    private readonly ending: EndWork,
  ) {}

  /** Attempts that the version allows which is going to run. */
  limitOf({ path, work }: WorkEvent): number {
    const route = this.routes.get(path);
    try {
      const version = route && pickVersion(route, work, Math.random);
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
    try {
      // Most work comes for the first time, and nobody wants to know how it ends: nothing is looked up before it runs.
      const look = isPlain(event) ? undefined : await this.#lookUp(event);
      if (look === SETTLED) return;
      const run = await this.#invoke(event, look);
      ended();
      await this.ending.settle(event, run);
    } catch (error) {
      this.ending.leaveBehind(event, error);
    } finally {
      ended();
    }
  }

  /** Ends it as a dead letter without running it. Never rejects. */
  async dead(event: WorkEvent, fault: MeshError, reason: DeadReason = fault.code): Promise<void> {
    try {
      await this.ending.bury(event, fault, reason);
    } catch (error) {
      this.ending.leaveBehind(event, error);
    }
  }

  /** It has begun as often as it may, and the last time nobody was left to say how it ended; or the dead letter had no room. */
  async overdue(event: WorkEvent): Promise<void> {
    const { dead } = event.tried;
    const detail = dead?.error ?? 'The executor ended while it was running.';
    await this.dead(event, new MeshError('worker-crashed', detail), dead?.reason ?? 'crashed');
  }

  giveBack(event: WorkEvent, delayMs: number): Promise<void> {
    return this.ending.giveBack(event, delayMs);
  }

  /** What must be known, or written down, before it may run. */
  async #lookUp(event: WorkEvent): Promise<KeptState | undefined | typeof SETTLED> {
    const { tried, work, item } = event;
    if (work.expires !== undefined && work.expires <= Date.now()) {
      await this.ending.bury(event, new MeshError('expired'));
      return SETTLED;
    }
    const known = work.keep ? await this.deliver.stateOf(event) : undefined;
    if (known && isFinal(event, known)) {
      await this.ending.unwanted(event, known);
      return SETTLED;
    }
    if (item.deliveries > 1) await this.ledger.write(event, { ...tried, started: tried.started + 1 });
    return known;
  }

  async #invoke(event: WorkEvent, known: KeptState | undefined): Promise<Run> {
    const { path, work, headers, item, tried } = event;
    const attempt = tried.started + 1;
    const began = performance.now();
    try {
      const route = this.routes.get(path);
      if (!route) throw new MeshError('no-route');
      const live = pickVersion(route, work, Math.random);
      const run = this.invoke.version(route, live, work, withoutDefaults(headers), item.body, attempt, true);
      const begun = await run;
      const outcome = begun.rest === undefined ? begun : await this.deliver.whole(event, begun);
      const duration = performance.now() - began;
      return { outcome, version: live.version, settings: live.work, attempt, duration, known };
    } catch (error) {
      const fault = asMeshError(error);
      const outcome = errorOutcome(fault, work.id, fault.cause);
      return { outcome, attempt, duration: performance.now() - began, known };
    }
  }
}

/** There is nothing to look up before it runs. */
const isPlain = ({ item, work }: WorkEvent): boolean =>
  item.deliveries === 1 && !work.keep && work.expires === undefined;
