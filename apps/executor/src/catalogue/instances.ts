import { createHash } from 'node:crypto';
import type { ControlPath, LiveVersion, Route } from '#contracts';
import { shapingOf } from '#handler/runtime';
import type { AllowedOf } from '../limits/admission.js';
import type { Allowed } from '../limits/allowed.js';
import type {
  HandlerPort,
  HandlerSpec,
  Instance,
  ProvidedSpec,
  Runtime,
  WorkerHost,
  WorkerStates,
  WorkerTally,
} from '../runtime/runtime.js';
import { StartGate } from '../runtime/start-gate.js';
import type { ArtifactCache } from './artifact-cache.js';

interface Entry {
  readonly spec: HandlerSpec;
  readonly digest: string;
  readonly instance: Instance;
  readonly given: Given;
}
/** What it may have, as its route says now. */
interface Given {
  allowed: Allowed;
}

/** What of a route matters here. */
type Limited = Pick<Route, 'path' | 'limits'>;

/**
 * One instance for each live version that was needed. Beyond `max` workers, the instance that has been idle longest is
 * let go, but for those that are kept warm; when all are busy there is one more until one is not.
 */
export class Instances {
  /** In the order of last use. */
  readonly #entries = new Map<string, Entry>();
  /** The last one used, which need not be moved to the end again. */
  #latest: Entry | undefined;
  readonly #closing = new Set<Promise<void>>();
  readonly #starts = new StartGate();
  readonly #tallies = new Map<ControlPath, WorkerTally>();
  readonly #resting: NodeJS.Timeout | undefined;

  constructor(
    private readonly runtime: Runtime,
    private readonly port: HandlerPort,
    private readonly artifacts: ArtifactCache,
    private readonly environment: Readonly<Record<string, string>>,
    private readonly max: number,
    private readonly allowedOf: AllowedOf,
    idleSeconds = 0,
  ) {
    // What was not used between two of these has been idle for at least as long.
    if (idleSeconds > 0) this.#resting = setInterval(() => this.#rest(), idleSeconds * 1_000).unref();
  }

  get(route: Limited, version: LiveVersion): Instance {
    const key = keyOf(route.path, version);
    const known = this.#entries.get(key);
    if (known) {
      if (known !== this.#latest) this.#makeLatest(key, known);
      return known.instance;
    }
    const given = { allowed: this.allowedOf(route, version) };
    const spec = this.#specOf(route.path, version, given);
    const instance = this.runtime(spec, this.port);
    this.#entries.set(key, { spec, digest: version.digest, instance, given });
    this.#letGoOfIdle(key);
    return instance;
  }

  /** Whether any version of it was needed. */
  uses(path: ControlPath): boolean {
    return this.#entriesOf(path).length > 0;
  }

  /** That of a version, where it has one already. */
  known(path: ControlPath, version: LiveVersion): Instance | undefined {
    return this.#entries.get(keyOf(path, version))?.instance;
  }

  *all(): Iterable<[ControlPath, Instance]> {
    for (const { spec, instance } of this.#entries.values()) yield [spec.path, instance];
  }

  /** Workers that wait for others to have started. */
  get queuedStarts(): number {
    return this.#starts.waiting;
  }

  /** What became of the workers of each path. */
  get tallies(): ReadonlyMap<ControlPath, WorkerTally> {
    return this.#tallies;
  }

  /** All workers that there are now, by what they do. */
  get states(): WorkerStates {
    const sum: WorkerStates = { starting: 0, ready: 0, leaving: 0, ended: 0 };
    for (const { instance } of this.#entries.values()) {
      const states = instance.states();
      for (const state of Object.keys(sum) as (keyof WorkerStates)[]) sum[state] += states[state];
    }
    return sum;
  }

  /**
   * Loads what is new in the route of a path that is in use here: it is about to be called.
   * @returns when that is done, well or not; `undefined`: there is nothing to wait for
   */
  prepare(route: Route): Promise<unknown> | undefined {
    if (this.#entriesOf(route.path).length === 0) return undefined;
    const fresh = route.versions.filter(
      (version) => version.weight > 0 && !this.#entries.has(keyOf(route.path, version)),
    );
    if (fresh.length === 0) return undefined;
    return Promise.all(fresh.map((version) => this.get(route, version).warm()));
  }

  #makeLatest(key: string, entry: Entry): void {
    this.#latest = entry;
    this.#entries.delete(key);
    this.#entries.set(key, entry);
  }

  /**
   * Lets go of the path's versions that the route does not name any more, after what they still do, and gives the others
   * what it allows them now. What is kept warm is started, and so is what is new of a path that is in use here.
   */
  retain(path: ControlPath, route: Route | undefined): void {
    const known = this.#entriesOf(path);
    // Of ten thousand handlers few are in use: the others cost nothing here.
    if (known.length === 0 && !route?.versions.some(({ limits }) => limits.warm)) return;
    const live = new Set(route?.versions.map((version) => keyOf(path, version)));
    if (route) for (const version of route.versions) this.#follow(route, version, known.length > 0);
    for (const [key, entry] of known) if (!live.has(key)) this.#letGo(key, entry);
  }

  #follow(route: Route, version: LiveVersion, inUse: boolean): void {
    const allowed = this.allowedOf(route, version);
    const known = this.#entries.get(keyOf(route.path, version));
    if (known) known.given.allowed = allowed;
    if (version.weight === 0) return;
    // Nobody is let go of for one that nobody has called yet.
    if (inUse || (allowed.warm > 0 && this.#workers < this.max)) void this.get(route, version).warm();
  }

  #entriesOf(path: ControlPath): [string, Entry][] {
    return [...this.#entries].filter(([, { spec }]) => spec.path === path);
  }

  /** Workers that there are; what has none is about to have one. */
  get #workers(): number {
    let count = 0;
    for (const { instance } of this.#entries.values()) {
      const { starting, ready, leaving } = instance.states();
      count += Math.max(1, starting + ready + leaving);
    }
    return count;
  }

  #rest(): void {
    for (const { instance } of this.#entries.values()) instance.rest();
  }

  async close(): Promise<void> {
    clearInterval(this.#resting);
    for (const [key, entry] of this.#entries) this.#letGo(key, entry);
    await Promise.all([...this.#closing, this.runtime.close?.()]);
  }

  /** @param wanted the one that is just asked for: it is about to be busy */
  #letGoOfIdle(wanted: string): void {
    let workers = this.#workers;
    for (const [key, entry] of this.#entries) {
      if (workers <= this.max) return;
      if (key === wanted || entry.instance.inFlight > 0 || entry.given.allowed.warm > 0) continue;
      this.#letGo(key, entry);
      workers = this.#workers;
    }
  }

  /** Its files go too: were they kept, nobody would remove them when the version is live no more. */
  #letGo(key: string, entry: Entry): void {
    this.#entries.delete(key);
    const closing = entry.instance
      .close()
      .then(() => (this.#uses(entry.digest) ? undefined : this.artifacts.drop(entry.digest)))
      .finally(() => this.#closing.delete(closing));
    this.#closing.add(closing);
  }

  #uses(digest: string): boolean {
    return [...this.#entries.values()].some((entry) => entry.digest === digest);
  }

  #specOf(path: ControlPath, live: LiveVersion, given: Given): HandlerSpec {
    const { version, runtime, entry, export: exportName, digest } = live;
    return {
      path,
      version,
      ...(runtime === 'provided' ? { provided: providedOf(live) } : {}),
      entry,
      export: exportName,
      shaping: shapingOf(live),
      body: live.body,
      environment: this.#environmentOf(live),
      folder: () => this.artifacts.folder(digest),
      host: this.#hostOf(path, given),
    };
  }

  #hostOf(path: ControlPath, given: Given): WorkerHost {
    return {
      allotment: () => given.allowed,
      mayGrow: () => this.#workers < this.max,
      startTurn: () => this.#starts.turn(),
      tally: this.#tallyOf(path),
    };
  }

  #tallyOf(path: ControlPath): WorkerTally {
    const known = this.#tallies.get(path);
    if (known) return known;
    const tally = { starts: 0, ends: { crashed: 0, unready: 0, overrun: 0, released: 0 } };
    this.#tallies.set(path, tally);
    return tally;
  }

  /** What the manifest asks for; the operator's values for this mesh go before the executor's own environment. */
  #environmentOf({ env, environment = {} }: LiveVersion): Record<string, string> {
    const values = { ...this.environment, ...environment };
    return Object.fromEntries(
      env.flatMap((name) => (Object.hasOwn(values, name) ? [[name, values[name] as string]] : [])),
    );
  }
}

// A route's versions are the same objects until it changes, so that a call makes no key.
const keys = new WeakMap<LiveVersion, string>();

/** Names what runs: two versions with the same key are the same. */
export function keyOf(path: ControlPath, live: LiveVersion): string {
  const known = keys.get(live);
  if (known !== undefined) return known;
  // The digest is part of it: after a registry was set up anew a version number may stand for other bytes. So is the
  // environment: a handler reads it when it is loaded.
  const key = `${path}@${live.version}#${live.digest}${environmentKey(live)}`;
  keys.set(live, key);
  return key;
}

function environmentKey({ environment }: LiveVersion): string {
  if (!environment) return '';
  return `#${createHash('sha256').update(JSON.stringify(environment)).digest('hex')}`;
}

const providedOf = ({ event, triggers, limits }: LiveVersion): ProvidedSpec => ({
  event,
  http: triggers.flatMap((trigger) => ('http' in trigger ? [trigger.http] : [])),
  concurrency: limits.concurrency,
});
