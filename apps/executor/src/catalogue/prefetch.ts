import type { ControlPath, Route } from '#contracts';
import type { RouteTable } from '#fabric';
import type { Log } from '#lifecycle';
import type { ArtifactCache } from './artifact-cache.js';
import type { LiveArtifacts } from './live-artifacts.js';

/** At once: a store that is far away is asked side by side, and calls still find it free. */
const PARALLEL = 4;
const RETRY_MS = 5_000;

/**
 * Brings the artifacts of live versions onto this machine's disk before they are needed, so that the first call of a
 * version does not wait for the store, and an executor that starts while the store is away has them.
 *
 * A digest is in `#wanted` until it is on the disk, is not live any more, or there is no room for it.
 */
export class Prefetch {
  readonly #wanted = new Set<string>();
  readonly #failed = new Set<string>();
  readonly #running = new Set<Promise<void>>();
  /** Said once an outage, not once an artifact or attempt. */
  #complained = false;
  #unfollow: () => void = () => {};
  #retry: NodeJS.Timeout | undefined;
  #stopped = false;

  constructor(
    private readonly artifacts: ArtifactCache,
    private readonly live: LiveArtifacts,
    private readonly serves: (path: ControlPath) => boolean,
    private readonly log: Log,
    private readonly retryMs = RETRY_MS,
  ) {}

  follow(routes: RouteTable): void {
    this.#unfollow = routes.onChange((path, route) => this.#changed(path, route));
    for (const route of routes.all()) this.#changed(route.path, route);
  }

  /** Resolves when what is being fetched has come or failed. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#unfollow();
    clearTimeout(this.#retry);
    await Promise.all(this.#running);
  }

  #changed(path: ControlPath, route: Route | undefined): void {
    if (!this.serves(path)) return;
    this.live.set(path, route);
    for (const { digest } of route?.versions ?? []) if (!this.#failed.has(digest)) this.#wanted.add(digest);
    this.#pump();
  }

  #pump(): void {
    if (this.#wanted.size + this.#running.size + this.#failed.size === 0) this.#complained = false;
    for (const digest of this.#wanted) {
      if (this.#stopped || this.#running.size >= PARALLEL) return;
      this.#wanted.delete(digest);
      if (!this.live.has(digest)) continue;
      const running = this.#fetch(digest).finally(() => {
        this.#running.delete(running);
        this.#pump();
      });
      this.#running.add(running);
    }
  }

  async #fetch(digest: string): Promise<void> {
    try {
      if (!(await this.artifacts.prefetch(digest)))
        this.log.warn(`No room on the disk for the live artifact ${digest}; raise MESH_CACHE_MAX_BYTES.`);
    } catch (error) {
      if (!this.#complained) this.log.warn(`The artifact ${digest} cannot be fetched; trying on.`, error);
      this.#complained = true;
      this.#failed.add(digest);
      this.#retry ??= setTimeout(() => this.#retryFailed(), this.retryMs);
    }
  }

  #retryFailed(): void {
    this.#retry = undefined;
    if (this.#stopped) return;
    for (const digest of this.#failed) if (this.live.has(digest)) this.#wanted.add(digest);
    this.#failed.clear();
    this.#pump();
  }
}
