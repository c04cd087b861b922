/** What is over its share waits here so long at the most, ms, before it goes back to the stream. */
export const PARK_MS = 250;
/** Nothing is sent back for longer, ms: by then there may be more executors, or fewer paths. */
const MAX_DEFER_MS = 30_000;
const MIN_DEFER_MS = 20;
/** So long after one was sent back, ms, its path is taken for congested. */
const CONGESTED_MS = 2_000;
/** Weight of the latest run in the mean. */
const LATEST = 0.2;

/** What the limits of a path's handler leave to its work. */
export interface LaneLimits {
  /** Runs at once. */
  readonly concurrency: number;
  /** ms from one that begins to the next; 0: no rate is set. */
  readonly everyMs: number;
}

export interface SlotPort<T> {
  limits(path: string): LaneLimits;
  /** Takes one of the path's rate, for what is started then. False: not yet, it is asked again. */
  claim(path: string): boolean;
  start(value: T): void;
  /** It goes back to the stream for so long. */
  defer(value: T, delayMs: number): void;
}

interface Lane<T> {
  readonly path: string;
  running: number;
  /** Sum of the times at which those began, ms. */
  beganSum: number;
  readonly parked: { readonly value: T; readonly since: number }[];
  /** Until then what comes over its share goes back at once, by the clock. */
  congestedUntil: number;
  meanMs: number;
  /** When the last one that was sent back is to come again. */
  turnAt: number;
}

/**
 * Who runs: so that no path, however slow and however much of it waits, keeps another waiting.
 *
 *   take → runs at once, when its path is below its share
 *        → is parked, when it is over it: at most `PARK_MS`, unless it is one of the few that a congested path keeps
 *        → is deferred: back to the stream until its turn is expected
 *
 * A path's share is `slots / (active paths + 1)`, at least one: there is always room for one path more; and no more than
 * its handler runs at once, since what waited behind those would keep slots from others. It starts no faster than the
 * handler's rate either, and waits for that as it waits for a slot, which costs it no attempt. A path that had
 * to send something back is congested: from then on what comes over its share goes back at once, so that the stream
 * is looked through to its end, past any backlog. Unless its turn would come soon all the same: a quick path that was
 * held up once, as by a machine with too much to do, would otherwise send its whole backlog back, which takes ten times
 * as long as to run it.
 *
 * Invariants: Σ running ≤ slots; what congested paths have parked ≤ slots / 8; where something of a path is parked, the
 * path is at its share or its rate, or every slot is taken.
 */
export class FairSlots<T> {
  readonly #lanes = new Map<string, Lane<T>>();
  readonly #waiting = new Set<Lane<T>>();
  readonly #maxParked: number;
  #running = 0;
  #parked = 0;
  #active = 0;

  constructor(
    readonly slots: number,
    private readonly port: SlotPort<T>,
    private readonly now: () => number = () => performance.now(),
    private readonly random: () => number = Math.random,
  ) {
    this.#maxParked = Math.max(1, slots >> 3);
  }

  get running(): number {
    return this.#running;
  }
  get parked(): number {
    return this.#parked;
  }

  /** What runs and what is parked of a path. */
  of(path: string): { running: number; parked: number } {
    const lane = this.#lanes.get(path);
    return { running: lane?.running ?? 0, parked: lane?.parked.length ?? 0 };
  }

  /** One has arrived. */
  take(path: string, value: T): void {
    const lane = this.#laneOf(path);
    if (lane.parked.length === 0 && this.#mayStart(lane)) this.#start(lane, value);
    else if (this.#mayPark(lane)) this.#park(lane, value);
    else this.#defer(lane, value);
  }

  /** One that was started has ended. @param began when it was started, by the clock that was given */
  leave(path: string, began: number): void {
    const lane = this.#laneOf(path);
    const took = this.now() - began;
    lane.meanMs = lane.meanMs === 0 ? took : lane.meanMs + LATEST * (took - lane.meanMs);
    lane.running--;
    lane.beganSum -= began;
    this.#running--;
    if (isIdle(lane)) this.#active--;
    if (this.#waiting.size > 0) this.#startParked();
  }

  /** Starts what the rate allows by now and sends back what was parked for too long; to be called often while something is. */
  expire(): void {
    this.#startParked();
    const latest = this.now() - PARK_MS;
    for (const lane of [...this.#waiting])
      if (!this.#isCongested(lane) && (lane.parked[0]?.since ?? latest) < latest) this.#congest(lane);
  }

  /** Takes out all that is parked: nothing is to be started any more. */
  empty(): T[] {
    const all = [...this.#waiting].flatMap((lane) => this.#unpark(lane, lane.parked.length));
    return all.map(({ value }) => value);
  }

  #laneOf(path: string): Lane<T> {
    const known = this.#lanes.get(path);
    if (known) return known;
    const lane: Lane<T> = {
      path,
      running: 0,
      beganSum: 0,
      parked: [],
      congestedUntil: 0,
      meanMs: 0,
      turnAt: 0,
    };
    this.#lanes.set(path, lane);
    return lane;
  }

  #share(lane: Lane<T>): number {
    const active = this.#active + (isIdle(lane) ? 1 : 0);
    const share = Math.floor(this.slots / (active + 1));
    return Math.max(1, Math.min(share, this.port.limits(lane.path).concurrency));
  }

  /** What is asked so is started then: the rate has been charged for it. */
  #mayStart(lane: Lane<T>): boolean {
    if (this.#running >= this.slots || lane.running >= this.#share(lane)) return false;
    return this.port.claim(lane.path);
  }

  /** A congested path keeps a few at hand, so that a slot which becomes free is not idle until the next one comes. */
  #mayPark(lane: Lane<T>): boolean {
    if (!this.#isCongested(lane)) return true;
    return this.#parked < this.#maxParked && lane.parked.length < this.#reserve(lane);
  }

  #isCongested(lane: Lane<T>): boolean {
    const now = this.now();
    return now < lane.congestedUntil && !this.#isQuick(lane, now);
  }

  /** Whether what would be parked next is expected to start in time. */
  #isQuick(lane: Lane<T>, now: number): boolean {
    const ahead = lane.parked.length + 1;
    return lane.meanMs > 0 && ahead * this.#paceMs(lane, now) <= PARK_MS;
  }

  #reserve(lane: Lane<T>): number {
    return Math.max(1, Math.min(this.#share(lane) >> 2, this.#maxParked));
  }

  #start(lane: Lane<T>, value: T): void {
    if (isIdle(lane)) this.#active++;
    lane.running++;
    lane.beganSum += this.now();
    this.#running++;
    this.port.start(value);
  }

  #park(lane: Lane<T>, value: T): void {
    if (isIdle(lane)) this.#active++;
    lane.parked.push({ value, since: this.now() });
    this.#waiting.add(lane);
    this.#parked++;
  }

  #unpark(lane: Lane<T>, count: number, from = 0): Lane<T>['parked'] {
    const taken = lane.parked.splice(from, count);
    this.#parked -= taken.length;
    if (lane.parked.length === 0) this.#waiting.delete(lane);
    if (taken.length > 0 && isIdle(lane)) this.#active--;
    return taken;
  }

  #congest(lane: Lane<T>): void {
    for (const { value } of this.#unpark(lane, lane.parked.length, this.#reserve(lane)))
      this.#defer(lane, value);
  }

  /** In turns, so that among many paths with something parked none is always the last. */
  #startParked(): void {
    for (const lane of [...this.#waiting]) {
      if (this.#running >= this.slots) return;
      let started = 0;
      while (lane.parked.length > 0 && this.#mayStart(lane)) {
        const [next] = this.#unpark(lane, 1);
        if (next) this.#start(lane, next.value);
        started++;
      }
      if (started > 0 && this.#waiting.delete(lane)) this.#waiting.add(lane);
    }
  }

  #defer(lane: Lane<T>, value: T): void {
    lane.congestedUntil = this.now() + CONGESTED_MS;
    this.port.defer(value, this.#turn(lane));
  }

  /**
   * Turns are given out at the pace at which the path's share becomes free, or at its rate. Beyond the longest wait none is given: who
   * has to wait so long asks again.
   */
  #turn(lane: Lane<T>): number {
    const now = this.now();
    const turnAt = Math.max(lane.turnAt, now) + this.#paceMs(lane, now);
    if (turnAt - now > MAX_DEFER_MS) return MAX_DEFER_MS * (0.5 + this.random() / 2);
    lane.turnAt = turnAt;
    return Math.max(MIN_DEFER_MS, (turnAt - now) * (0.9 + this.random() / 5));
  }

  /** ms from one that may start to the next. */
  #paceMs(lane: Lane<T>, now: number): number {
    return Math.max(this.#expectedMs(lane, now) / this.#share(lane), this.port.limits(lane.path).everyMs);
  }

  /** Before the first one has ended, what runs has at least taken so long as it has. */
  #expectedMs(lane: Lane<T>, now: number): number {
    const elapsed = lane.running === 0 ? 0 : now - lane.beganSum / lane.running;
    return Math.max(lane.meanMs, elapsed, 1);
  }
}

const isIdle = (lane: Lane<unknown>): boolean => lane.running === 0 && lane.parked.length === 0;
