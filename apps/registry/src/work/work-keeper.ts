import { setTimeout as delay } from 'node:timers/promises';
import {
  type ControlPath,
  DEAD_STREAM,
  isMeshError,
  isOrdered,
  MeshError,
  RESULTS_BUCKET,
  WORK_STREAM,
} from '#contracts';
import {
  type Connection,
  createStreamWriter,
  ensureStreams,
  type Keep,
  openKeep,
  openStreamStock,
  openWorkConsumers,
  type RouteFeed,
  type StreamOptions,
  type StreamStock,
  type StreamWriter,
  type WorkConsumerState,
  type WorkConsumers,
  watchRoutes,
} from '#fabric';
import type { Log } from '#lifecycle';
import type { ReadRoutes, RouteOutbox } from '../catalogue/route-outbox.js';
import { applyPlan, leftOver } from './apply-plan.js';
import { LookedPast } from './looked-past.js';
import { Losses } from './losses.js';
import { planConsumers } from './plan.js';
import type { Pool } from './pools.js';
import { equalizeSchedules, schedulesOf } from './schedules.js';
import { StuckSchedules } from './stuck-schedules.js';
import { type Sweeping, type Swept, sweep } from './sweep.js';

/** Without any change, everything is looked at so often, ms. */
const LOOK_MS = 5_000;
/** Changes that come together are carried out together, ms. */
const GATHER_MS = 20;
/** Within so long every executor knows that a route is gone, ms. */
const LATELY_MS = 1_000;
/** While something has to wait for a moment, ms. */
const HELD_UP_MS = 100;
/** After a failure, ms. */
const RETRY_MS = 1_000;
/** So long a consumer that nobody needs any more may still have work in hand, ms: twice what the server waits. */
const LEFT_OVER_MS = 30_000;

export interface WorkSettings {
  readonly pools: readonly Pool[];
  readonly streams: StreamOptions;
}

/** What others may look at and write. */
export interface WorkStreams {
  readonly consumers: WorkConsumers;
  readonly work: StreamStock;
  readonly dead: StreamStock;
  readonly writer: StreamWriter;
}

interface Reached extends WorkStreams {
  readonly connection: Connection;
  readonly results: Keep;
  readonly routes: RouteFeed;
}

/**
 * The control plane of work: streams, consumers and schedules are what the live routes and the operator's pools ask for,
 * and nothing waits for nobody. Executors and ingresses make none of it, so that what is accepted is kept also while
 * none of them runs.
 *
 * States: waiting for NATS → keeping (at each change of a route, at each connect and now and then; one pass at a time,
 * and over all registries one at a time) → stopped.
 */
export class WorkKeeper {
  #reached: Reached | undefined;
  #following: Promise<void> | undefined;
  #running: Promise<void> | undefined;
  #streamsMade = false;
  #wake: () => void = () => undefined;
  #woken = false;
  readonly #stopping = Promise.withResolvers<void>();
  /** The routes that are known to be whole. */
  #whole: Reached['routes'] | undefined;
  #stopped = false;
  #failing = false;
  #full = false;
  #crowded: ReadonlySet<ControlPath> = new Set();
  #isHeldUp = false;
  /** Paths without a route for which work waits, and since when. */
  #gone: ReadonlyMap<ControlPath, number> = new Map();
  readonly #losses = new Losses();
  readonly #lookedPast = new LookedPast();
  readonly #stuck = new StuckSchedules();
  /** Consumers that nobody needs any more, and since when. */
  readonly #leftOver = new Map<string, number>();

  constructor(
    private readonly settings: WorkSettings,
    private readonly outbox: RouteOutbox,
    private readonly log: Log,
  ) {}

  /** True once streams and consumers were what they should be. */
  get isReady(): boolean {
    return this.#streamsMade;
  }

  /** @throws MeshError `not-connected` while there is no connection yet */
  reach(): WorkStreams {
    if (!this.#reached) throw new MeshError('not-connected');
    return this.#reached;
  }

  /** NATS is there. Resolves when work can be accepted. */
  follow(connection: Connection): Promise<void> {
    this.#following = this.#follow(connection);
    return this.#following;
  }

  /** Something has changed: look soon. */
  look(): void {
    this.#woken = true;
    this.#wake();
  }

  /** Also while it is still being opened: nothing goes on after it. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#stopping.resolve();
    this.#wake();
    await this.#following?.catch(() => undefined);
    await this.#running;
  }

  async #follow(connection: Connection): Promise<void> {
    const consumers = await openWorkConsumers(connection);
    if (this.#stopped) return;
    const reached: Reached = {
      connection,
      consumers,
      routes: watchRoutes(connection),
      work: openStreamStock(connection, WORK_STREAM),
      dead: openStreamStock(connection, DEAD_STREAM),
      writer: createStreamWriter(connection),
      results: openKeep(connection, RESULTS_BUCKET),
    };
    this.#reached = reached;
    connection.onStatus((connected) => {
      if (!connected) return;
      // A server that lost its disk has neither streams nor consumers.
      this.#streamsMade = false;
      this.look();
    });
    reached.routes.onChange(() => this.look());
    const ready = Promise.withResolvers<void>();
    this.#running = this.#run(reached, ready.resolve);
    await ready.promise;
  }

  async #run(reached: Reached, ready: () => void): Promise<void> {
    while (!this.#stopped) {
      this.#woken = false;
      const isDone = await this.#pass(reached);
      if (isDone) ready();
      await this.#sleep(this.#isHeldUp ? HELD_UP_MS : isDone ? LOOK_MS : RETRY_MS);
      if (this.#woken) await delay(GATHER_MS);
    }
    ready();
    await reached.routes.stop();
  }

  /** Waits once: each race leaves something behind at the promise that is still open. */
  async #wholeOf({ routes }: Reached): Promise<void> {
    if (this.#whole === routes) return;
    await Promise.race([routes.whole, this.#stopping.promise]);
    if (!this.#stopped) this.#whole = routes;
  }

  async #pass(reached: Reached): Promise<boolean> {
    if (!reached.connection.connected) return false;
    try {
      if (!this.#streamsMade) await ensureStreams(reached.connection, this.settings.streams);
      await this.#wholeOf(reached);
      if (this.#stopped) return false;
      const isKept = await this.outbox.keepingWork((read) => this.#keep(reached, read));
      if (!isKept) return false;
      this.#streamsMade = true;
      this.#failing = false;
      return true;
    } catch (error) {
      if (!this.#failing && !this.#stopped)
        this.log.warn('Streams and consumers of work cannot be looked after; trying on.', error);
      this.#failing = true;
      this.#isHeldUp = false;
      this.#streamsMade = false;
      return false;
    }
  }

  async #keep({ routes, consumers, work, writer, results }: Reached, read: ReadRoutes): Promise<void> {
    const live = [...routes.all()];
    const { consumers: plan, crowded } = planConsumers(
      live.map((route) => ({ path: route.path, ordered: isOrdered(route) })),
      this.settings.pools,
    );
    this.#complain(crowded);
    const { last } = await work.state();
    const { gains, isHeldUp } = await applyPlan(consumers, plan, this.#losses);
    this.#isHeldUp = isHeldUp;
    const scheduled = await equalizeSchedules(work, writer, schedulesOf(live), this.log);
    if (scheduled > 0) this.log.info(`Schedules of work added or removed: ${scheduled}.`);
    const { workMaxPerPath } = this.settings.streams;
    const freed = await this.#stuck.look(work, writer, workMaxPerPath, Date.now());
    if (freed > 0)
      this.log.warn(`Schedules of work that the server had given up were written anew: ${freed}.`);
    const states = await consumers.list();
    await this.#removeLeftOver(consumers, leftOver(states, plan));
    const known = async (paths: readonly ControlPath[]) =>
      this.#withLately(paths, await livePaths(paths, routes, read));
    const lookedPast = this.#lookedPast;
    await this.#sweep({
      stock: work,
      writer,
      results,
      consumers: states,
      live: known,
      gains,
      lookedPast,
      last,
    });
  }

  /** With those that are gone since a moment ago: an executor that does not know yet may be about to run them. */
  #withLately(paths: readonly ControlPath[], live: ReadonlySet<ControlPath>): ReadonlySet<ControlPath> {
    const now = performance.now();
    const gone = paths.filter((path) => !live.has(path));
    this.#gone = new Map(gone.map((path) => [path, this.#gone.get(path) ?? now]));
    const lately = gone.filter((path) => now - (this.#gone.get(path) ?? now) < LATELY_MS);
    this.#isHeldUp ||= lately.length > 0;
    return new Set([...live, ...lately]);
  }

  #complain(crowded: readonly ControlPath[]): void {
    const fresh = crowded.filter((path) => !this.#crowded.has(path));
    this.#crowded = new Set(crowded);
    if (fresh.length > 0)
      this.log.error(
        `Work of ${fresh.join(', ')} is not kept in order: the path has too many neighbours. Give it a first segment of its own.`,
      );
  }

  /** A stream that is full keeps what is waiting waiting, and nothing else from being done. */
  async #sweep(sweeping: Sweeping): Promise<void> {
    try {
      this.#tell(await sweep(sweeping));
      this.#full = false;
    } catch (error) {
      if (!isMeshError(error) || error.code !== 'queue-full') throw error;
      if (!this.#full) this.log.error('Work that nobody takes stays where it is: the stream is full.', error);
      this.#full = true;
    }
  }

  #tell({ dead, again }: Swept): void {
    if (dead > 0) this.log.warn(`Work for which there is no handler was put into the dead letters: ${dead}.`);
    if (again > 0) this.log.info(`Work that its consumer had passed was handed in anew: ${again}.`);
    // There may be more.
    if (dead + again > 0) this.look();
  }

  async #removeLeftOver(consumers: WorkConsumers, found: readonly WorkConsumerState[]): Promise<void> {
    const now = performance.now();
    for (const name of this.#leftOver.keys())
      if (!found.some((one) => one.name === name)) this.#leftOver.delete(name);
    for (const { name, inHand } of found) {
      const since = this.#leftOver.get(name) ?? now;
      this.#leftOver.set(name, since);
      if (inHand === 0 || now - since > LEFT_OVER_MS) await consumers.remove(name);
    }
  }

  async #sleep(ms: number): Promise<void> {
    if (this.#woken || this.#stopped) return;
    const woken = Promise.withResolvers<void>();
    this.#wake = woken.resolve;
    const timer = setTimeout(woken.resolve, ms);
    await woken.promise;
    clearTimeout(timer);
  }
}

/**
 * The table may be older than the ingress's that has accepted work: what it does not know is asked for in the catalogue,
 * where a route stands before it is anywhere else.
 */
async function livePaths(
  paths: readonly ControlPath[],
  routes: RouteFeed,
  read: ReadRoutes,
): Promise<ReadonlySet<ControlPath>> {
  const unknown = paths.filter((path) => routes.get(path) === undefined);
  const found = unknown.length === 0 ? [] : await read({ paths: unknown });
  const missed = found.filter(({ live }) => live.length > 0).map(({ path }) => path);
  return new Set([...paths.filter((path) => routes.get(path) !== undefined), ...missed]);
}
