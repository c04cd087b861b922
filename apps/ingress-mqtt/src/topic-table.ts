import type { ControlPath, Route } from '#contracts';
import { covers, filterFault, hasWildcard } from './topic-filter.js';

/**
 * Which handlers a topic is for. No topic becomes a subject: it is only looked up, and what is found is a path that
 * the registry made live.
 */
export class TopicTable {
  readonly #exact = new Map<string, Set<ControlPath>>();
  readonly #wild = new Map<string, Set<ControlPath>>();
  readonly #filtersOf = new Map<ControlPath, readonly string[]>();

  /**
   * Takes over a route's topics, or forgets the path when the route is gone.
   * @returns the filters that cannot be subscribed, with the reason
   */
  update(path: ControlPath, route: Route | undefined): { filter: string; fault: string }[] {
    for (const filter of this.#filtersOf.get(path) ?? []) this.#release(filter, path);
    this.#filtersOf.delete(path);
    if (!route) return [];
    const filters = [...new Set(filtersOf(route))];
    const faulty = filters.flatMap((filter) => {
      const fault = filterFault(filter);
      return fault === undefined ? [] : [{ filter, fault }];
    });
    const usable = filters.filter((filter) => !faulty.some((other) => other.filter === filter));
    for (const filter of usable) this.#claim(filter, path);
    this.#filtersOf.set(path, usable);
    return faulty;
  }

  /** Every handler that wants the topic, each once. */
  match(topic: string): ControlPath[] {
    const found = new Set(this.#exact.get(topic));
    for (const [filter, paths] of this.#wild)
      if (covers(filter, topic)) for (const path of paths) found.add(path);
    return [...found];
  }

  /**
   * What to subscribe: every filter that no other covers. nats-server sends a message once for each subscription
   * that matches it, Mosquitto once in all; without overlaps both send it once.
   */
  subscriptions(): Set<string> {
    const wild = [...this.#wild.keys()];
    const covered = (filter: string) => wild.some((other) => other !== filter && covers(other, filter));
    return new Set([...this.#exact.keys(), ...wild].filter((filter) => !covered(filter)));
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
function filtersOf({ path, versions }: Route): string[] {
  const main = versions.reduce((a, b) => (b.weight > a.weight ? b : a));
  if (main.triggers.length === 0) return [path];
  return main.triggers.flatMap((trigger) => ('mqtt' in trigger ? [trigger.mqtt.filter] : []));
}
