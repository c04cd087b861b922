import type { ControlPath, Route } from '#contracts';
import { coarse, disjoint, roomFor } from './disjoint.js';
import { covers, filterFault, hasWildcard, wildcardsIn } from './topic-filter.js';

/** A handler that wants a topic. */
export interface Match {
  readonly path: ControlPath;
  /** What the wildcards of its first filter that matches stand for, by number. */
  readonly params: Readonly<Record<string, string>>;
  /** Whether it also wants what the broker retained. */
  readonly retained: boolean;
}

/** Of a manifest's trigger. */
interface Claim {
  readonly filter: string;
  readonly retained: boolean;
}

/** Topics of which it is remembered who wants them; a device may make up as many as it likes. */
const MOST_REMEMBERED = 10_000;

/**
 * Which handlers a topic is for. No topic becomes a subject: it is only looked up, and what is found is a path that
 * the registry made live.
 */
export class TopicTable {
  readonly #exact = new Map<string, Set<ControlPath>>();
  readonly #wild = new Map<string, Set<ControlPath>>();
  readonly #claimsOf = new Map<ControlPath, readonly Claim[]>();
  /** What was found for a topic, until a route changes: devices use the same few again and again. */
  readonly #found = new Map<string, readonly Match[]>();
  #subscriptions: ReadonlySet<string> | undefined;
  #isCoarse = false;

  /** @param most filters that are subscribed at once, before a few wide ones take their place */
  constructor(private readonly most = Number.POSITIVE_INFINITY) {}

  /**
   * Takes over a route's topics, or forgets the path when the route is gone.
   * @returns the filters that cannot be subscribed, with the reason
   */
  update(path: ControlPath, route: Route | undefined): { filter: string; fault: string }[] {
    this.#subscriptions = undefined;
    this.#found.clear();
    for (const { filter } of this.#claimsOf.get(path) ?? []) this.#release(filter, path);
    this.#claimsOf.delete(path);
    if (!route) return [];
    const claims = claimsOf(route);
    const faulty = claims.flatMap(({ filter }) => {
      const fault = filterFault(filter);
      return fault === undefined ? [] : [{ filter, fault }];
    });
    const usable = claims.filter(({ filter }) => filterFault(filter) === undefined);
    for (const { filter } of usable) this.#claim(filter, path);
    this.#claimsOf.set(path, usable);
    return faulty;
  }

  /** Every handler that wants the topic, each once. */
  match(topic: string): readonly Match[] {
    const known = this.#found.get(topic);
    if (known) return known;
    if (this.#found.size >= MOST_REMEMBERED) this.#found.clear();
    const matches = this.#search(topic);
    this.#found.set(topic, matches);
    return matches;
  }

  #search(topic: string): Match[] {
    const found = new Set(this.#exact.get(topic));
    for (const [filter, paths] of this.#wild)
      if (covers(filter, topic)) for (const path of paths) found.add(path);
    return [...found].map((path) => this.#matchOf(path, topic));
  }

  /**
   * What to subscribe: filters of which no two match the same topic, so that each message comes once. Of too many, a
   * few wide ones: nats-server keeps a consumer for each and has room for some hundreds.
   */
  subscriptions(): ReadonlySet<string> {
    this.#subscriptions ??= this.#plan();
    return this.#subscriptions;
  }

  /** Whether a message on this topic would come back here. */
  isSubscribed(topic: string): boolean {
    const filters = this.subscriptions();
    if (filters.has(topic)) return true;
    for (const filter of filters) if (hasWildcard(filter) && covers(filter, topic)) return true;
    return false;
  }

  /** Whether any handler wants what the broker retained on topics of a filter. */
  wantsRetained(subscription: string): boolean {
    for (const claims of this.#claimsOf.values())
      for (const { filter, retained } of claims) if (retained && covers(subscription, filter)) return true;
    return false;
  }

  #plan(): Set<string> {
    const fine = disjoint([...this.#exact.keys(), ...this.#wild.keys()]);
    // Not back again at the first route that goes: each change of the plan may bring a message twice.
    const most = this.#isCoarse ? Math.floor(this.most / 2) : this.most;
    this.#isCoarse = roomFor(fine) > most;
    return this.#isCoarse ? coarse(fine, this.most) : fine;
  }

  #matchOf(path: ControlPath, topic: string): Match {
    const claims = (this.#claimsOf.get(path) ?? []).filter(({ filter }) => covers(filter, topic));
    const first = claims[0]?.filter ?? topic;
    return { path, params: wildcardsIn(first, topic), retained: claims.some(({ retained }) => retained) };
  }

  #claim(filter: string, path: ControlPath): void {
    const table = this.#tableOf(filter);
    const paths = table.get(filter) ?? new Set();
    table.set(filter, paths.add(path));
  }

  #release(filter: string, path: ControlPath): void {
    const table = this.#tableOf(filter);
    const paths = table.get(filter);
    paths?.delete(path);
    if (paths?.size === 0) table.delete(filter);
  }

  #tableOf(filter: string): Map<string, Set<ControlPath>> {
    return hasWildcard(filter) ? this.#wild : this.#exact;
  }
}

/** The triggers of the version with the greatest weight; without any trigger at all: the path itself. */
function claimsOf({ path, versions }: Route): Claim[] {
  const main = versions.reduce((a, b) => (b.weight > a.weight ? b : a));
  if (main.triggers.length === 0) return [{ filter: path, retained: false }];
  return main.triggers.flatMap((trigger) => {
    if (!('mqtt' in trigger)) return [];
    const { filter, retained = false } = trigger.mqtt;
    return [{ filter, retained }];
  });
}
