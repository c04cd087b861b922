import type { ControlPath } from '#contracts';
import type { RouteTable, WorkItem, WorkPuller } from '#fabric';
import type { Complaints, Log } from '#lifecycle';
import type { WorkLimits } from '../limits/work-limits.js';
import { FairSlots } from '../work/fair-slots.js';
import type { Ledger } from '../work/ledger.js';
import type { RunWork } from '../work/run-work.js';
import { Suspects } from '../work/suspects.js';
import { isAway } from '../work/until-certain.js';
import { doubled } from '../work/verdict.js';
import type { WorkCounters } from '../work/work-counters.js';
import { readEvent, type WorkEvent } from '../work/work-event.js';
import { type OpenPuller, OwnConsumers } from './own-consumers.js';
import { remembering } from './served-paths.js';

/** How often the server hears that something is still being worked on, ms; a third of what it waits. */
const WORKING_MS = 5_000;
const EXPIRE_MS = 50;
/** Longest between two looks at the rate of a path that keeps an order, ms: the operator may change it. */
const RATE_WAIT_MS = 1_000;
/** A path of other executors in this pool: so long until one of them may get it, ms; doubled each time. */
const NOT_OURS_MS = 50;
const NOT_OURS_MOST_MS = 30_000;
/** For suspects beyond those that wait here, ms. */
const SUSPECT_WAIT_MS = 2_000;
/** A lesser suspect that has run for so long, ms, gives its room to the next: what ends an executor mostly does it at once. */
const ACQUITTED_MS = 2_000;

/** What is held of an event while it is in this executor's hands. */
interface Hold {
  readonly event: WorkEvent;
  /** Its handler is running: by the clock since when. */
  began: number | undefined;
  /** Room that it takes among the suspects. */
  weight: number;
  acquittal?: NodeJS.Timeout;
}

/**
 * Takes work out of the stream, no more than there is room for, and sees to it that each event is run, parked or given
 * back.
 *
 *   arrive → (delivered before: what is known of it?) → (a suspect: few at a time) → fair slots → run → free
 *
 * Paths that keep an order have a consumer of their own, which hands over one event at a time: it takes no slot.
 *
 * Invariants: each event that was taken is in `#held` until its end has been told to the server or given up; while it
 * is there the server hears of it every five seconds; held + asked for ≤ capacity, but for those whose handler has ended.
 */
export class WorkIntake {
  readonly #held = new Map<number, Hold>();
  readonly #slots: FairSlots<Hold>;
  readonly #suspects: Suspects;
  readonly #capacity: number;
  readonly #own: OwnConsumers;
  readonly #isOurs: (path: ControlPath) => boolean;
  #pool: WorkPuller | undefined;
  #ownHeld = 0;
  /** Those in hand whose handlers have ended. */
  #ending = 0;
  #heartbeat: NodeJS.Timeout | undefined;
  #expiry: NodeJS.Timeout | undefined;
  #stopping = false;
  #idle: (() => void)[] = [];

  constructor(
    private readonly consumer: string,
    slots: number,
    private readonly open: OpenPuller,
    private readonly routes: RouteTable,
    serves: (path: ControlPath) => boolean,
    private readonly limits: WorkLimits,
    private readonly ledger: Ledger,
    private readonly work: RunWork,
    readonly counters: WorkCounters,
    private readonly log: Log,
    private readonly complaints: Complaints,
  ) {
    this.#slots = new FairSlots(slots, {
      limits: (path) => limits.of(path as ControlPath),
      claim: (path) => limits.claim(path as ControlPath),
      start: (hold) => void this.#run(hold),
      defer: (hold, delayMs) => this.#defer(hold, delayMs),
    });
    // An eighth beside what runs or is parked: for what is still being looked up.
    const beside = Math.max(1, slots >> 3);
    this.#capacity = slots + beside;
    this.#suspects = new Suspects(Math.max(1, beside >> 1));
    this.#isOurs = remembering(serves);
    this.#own = new OwnConsumers(open, routes, serves, (item) => this.#arrive(item, true), log);
  }

  /** Events in hand. */
  get inHand(): number {
    return this.#held.size;
  }
  get running(): number {
    return this.#slots.running;
  }
  get parked(): number {
    return this.#slots.parked;
  }
  /** Whether the pool's consumer is there. */
  get isOpen(): boolean {
    return this.#pool?.isOpen ?? false;
  }

  start(): void {
    this.#own.start();
    this.#pool = this.open(this.consumer, Math.max(1, this.#capacity >> 2), (item) =>
      this.#arrive(item, false),
    );
    this.#heartbeat = setInterval(() => this.#tellWorking(), WORKING_MS);
    this.#pull();
  }

  /** Takes nothing new, and gives back what has not begun; resolves when nothing more will arrive. */
  async drain(): Promise<void> {
    this.#stopping = true;
    this.#suspects.dismiss();
    await Promise.all([this.#pool?.stop(), this.#own.stop()]);
    for (const hold of this.#slots.empty()) this.#giveBack(hold, 0);
  }

  /** Resolves when nothing is in hand any more. */
  async idle(): Promise<void> {
    if (this.#held.size > 0) await new Promise<void>((resolve) => this.#idle.push(resolve));
    clearInterval(this.#heartbeat);
    clearInterval(this.#expiry);
  }

  #arrive(item: WorkItem, ordered: boolean): void {
    const held = this.#held.get(item.seq);
    if (held) {
      // The server has given it up and gives it anew, to who has it: its end is told by the newer delivery.
      held.event.item = item;
      return this.#askFor(held.event);
    }
    const hold: Hold = { event: readEvent(item, ordered, this.#isLive), began: undefined, weight: 0 };
    this.#held.set(item.seq, hold);
    if (ordered) this.#ownHeld++;
    this.#admit(hold);
  }

  readonly #isLive = (path: ControlPath): boolean => this.routes.get(path) !== undefined;

  /** Events that come for the first time go through without a wait. */
  #admit(hold: Hold): void {
    const { event } = hold;
    if (this.#stopping) return this.#giveBack(hold, 0);
    if (event.fault) return this.#end(hold, this.work.dead(event, event.fault));
    if (!this.#isOurs(event.path)) return this.#notOurs(hold);
    if (event.item.deliveries === 1) return this.#enter(hold);
    this.#admitAgain(hold).catch((error: unknown) => this.#letGo(hold, error));
  }

  async #admitAgain(hold: Hold): Promise<void> {
    const { event } = hold;
    event.tried = await this.ledger.read(event);
    const { started, failed, notBefore = 0, dead } = event.tried;
    const limit = this.work.limitOf(event);
    if (dead || started >= limit) return this.#end(hold, this.work.overdue(event));
    const early = notBefore - Date.now();
    if (early > SUSPECT_WAIT_MS) return this.#giveBack(hold, early);
    const crashes = started - failed;
    if (crashes > 0 && !(await this.#admitSuspect(hold, Suspects.weightOf(crashes, limit - started)))) return;
    if (this.#stopping) return this.#giveBack(hold, 0);
    this.#enter(hold);
  }

  async #admitSuspect(hold: Hold, weight: number): Promise<boolean> {
    const entered = await this.#suspects.enter(weight);
    if (entered) hold.weight = weight;
    else this.#giveBack(hold, this.#stopping ? 0 : SUSPECT_WAIT_MS * (0.5 + Math.random()));
    return entered;
  }

  #enter(hold: Hold): void {
    if (hold.event.ordered) this.#runInOrder(hold);
    else this.#slots.take(hold.event.path, hold);
    if (this.#slots.parked > 0) this.#expiry ??= setInterval(() => this.#expire(), EXPIRE_MS);
  }

  /** As soon as the rate allows it: nothing of its path can come before it. */
  #runInOrder(hold: Hold): void {
    const { path } = hold.event;
    if (this.#stopping) return this.#giveBack(hold, 0);
    if (this.limits.claim(path)) return void this.#run(hold);
    setTimeout(() => this.#runInOrder(hold), Math.min(this.limits.waitMs(path) + 1, RATE_WAIT_MS));
  }

  #expire(): void {
    this.#slots.expire();
    if (this.#slots.parked > 0) return;
    clearInterval(this.#expiry);
    this.#expiry = undefined;
  }

  async #run(hold: Hold): Promise<void> {
    const { event } = hold;
    hold.began = performance.now();
    if (hold.weight === Suspects.LESSER) hold.acquittal = setTimeout(() => this.#acquit(hold), ACQUITTED_MS);
    await this.work.run(event, () => this.#ended(hold));
    if (!event.ordered) this.#ending--;
    this.#free(hold);
  }

  /** It is no suspect any more. */
  #acquit(hold: Hold): void {
    clearTimeout(hold.acquittal);
    if (hold.weight > 0) this.#suspects.leave(hold.weight);
    hold.weight = 0;
  }

  /** Its slot is free: how it ended is told to the server beside the next one. */
  #ended(hold: Hold): void {
    const { event, began } = hold;
    if (began === undefined || event.ordered) return;
    hold.began = undefined;
    this.#ending++;
    this.#slots.leave(event.path, began);
    this.#pull();
  }

  #defer(hold: Hold, delayMs: number): void {
    this.counters.count(hold.event.path, 'deferred');
    this.#giveBack(hold, delayMs);
  }

  #notOurs(hold: Hold): void {
    const { path, item } = hold.event;
    this.complaints.warn(`pool ${path}`, 'Work of a path that only other executors of this pool run.', {
      path,
    });
    this.#giveBack(hold, doubled(NOT_OURS_MS, item.deliveries, NOT_OURS_MOST_MS, Math.random));
  }

  #giveBack(hold: Hold, delayMs: number): void {
    this.#end(hold, this.work.giveBack(hold.event, delayMs));
  }

  /** Holds it until that is over. */
  #end(hold: Hold, ending: Promise<void>): void {
    ending.then(
      () => this.#free(hold),
      (error: unknown) => this.#letGo(hold, error),
    );
  }

  /** The server is away, or something is wrong here: in either case its time limit brings it back. */
  #letGo(hold: Hold, error: unknown): void {
    if (!isAway(error)) this.log.error('Work was let go of.', error);
    this.#free(hold);
  }

  #free(hold: Hold): void {
    const { item, ordered } = hold.event;
    this.#held.delete(item.seq);
    this.#acquit(hold);
    if (ordered) this.#ownHeld--;
    this.#askFor(hold.event);
    if (this.#held.size === 0) for (const resolve of this.#idle.splice(0)) resolve();
  }

  /** Another one in its place. */
  #askFor({ ordered, path }: WorkEvent): void {
    if (ordered) this.#own.pull(path);
    else this.#pull();
  }

  #pull(): void {
    if (!this.#pool || this.#stopping) return;
    // A server that is slow to confirm is not asked for ever more.
    const ending = Math.min(this.#ending, this.#slots.slots);
    const free = this.#capacity - (this.#held.size - this.#ownHeld - ending) - this.#pool.outstanding;
    if (free > 0) this.#pool.pull(free);
  }

  #tellWorking(): void {
    for (const { event } of this.#held.values()) event.item.working();
  }
}
