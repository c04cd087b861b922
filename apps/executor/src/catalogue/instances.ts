import { createHash } from 'node:crypto';
import type { ControlPath, LiveVersion, Route } from '#contracts';
import type { HandlerPort, HandlerSpec, Instance, Runtime } from '../runtime/runtime.js';
import type { ArtifactCache } from './artifact-cache.js';

interface Entry {
  readonly spec: HandlerSpec;
  readonly digest: string;
  readonly instance: Instance;
}

/**
 * One instance for each live version that was needed. Beyond `max`, the one that has been idle longest is let go;
 * when all are busy there is one more until one is not.
 */
export class Instances {
  /** In the order of last use. */
  readonly #entries = new Map<string, Entry>();
  /** The last one used, which need not be moved to the end again. */
  #latest: Entry | undefined;
  readonly #closing = new Set<Promise<void>>();
  readonly #resting: NodeJS.Timeout | undefined;

  constructor(
    private readonly runtime: Runtime,
    private readonly port: HandlerPort,
    private readonly artifacts: ArtifactCache,
    private readonly environment: Readonly<Record<string, string>>,
    private readonly max: number,
    idleSeconds = 0,
  ) {
    // What was not used between two of these has been idle for at least as long.
    if (idleSeconds > 0) this.#resting = setInterval(() => this.#rest(), idleSeconds * 1_000).unref();
  }

  get(path: ControlPath, version: LiveVersion): Instance {
    const key = keyOf(path, version);
    const known = this.#entries.get(key);
    if (known) {
      if (known !== this.#latest) this.#makeLatest(key, known);
      return known.instance;
    }
    const spec = this.#specOf(path, version);
    const instance = this.runtime(spec, this.port);
    this.#entries.set(key, { spec, digest: version.digest, instance });
    this.#letGoOfIdle(key);
    return instance;
  }

  #makeLatest(key: string, entry: Entry): void {
    this.#latest = entry;
    this.#entries.delete(key);
    this.#entries.set(key, entry);
  }

  /**
   * Lets go of the path's versions that the route does not name any more, after what they still do. A path that was in
   * use here is about to be called again: what is new of it is loaded before that.
   */
  retain(path: ControlPath, route: Route | undefined): void {
    const live = new Set(route?.versions.map((version) => keyOf(path, version)));
    const known = [...this.#entries].filter(([, { spec }]) => spec.path === path);
    if (known.length > 0)
      for (const version of route?.versions ?? []) if (version.weight > 0) this.get(path, version).warm();
    for (const [key, entry] of known) if (!live.has(key)) this.#letGo(key, entry);
  }

  #rest(): void {
    for (const { instance } of this.#entries.values()) instance.rest();
  }

  async close(): Promise<void> {
    clearInterval(this.#resting);
    for (const [key, entry] of this.#entries) this.#letGo(key, entry);
    await Promise.all(this.#closing);
  }

  /** @param wanted the one that is just asked for: it is about to be busy */
  #letGoOfIdle(wanted: string): void {
    for (const [key, entry] of this.#entries) {
      if (this.#entries.size <= this.max) return;
      if (key !== wanted && entry.instance.inFlight === 0) this.#letGo(key, entry);
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

  #specOf(path: ControlPath, live: LiveVersion): HandlerSpec {
    const { version, runtime, entry, export: exportName, digest, limits } = live;
    return {
      path,
      version,
      runtime,
      entry,
      export: exportName,
      ...(limits.concurrency === undefined ? {} : { concurrency: limits.concurrency }),
      environment: this.#environmentOf(live),
      folder: () => this.artifacts.folder(digest),
    };
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

function keyOf(path: ControlPath, live: LiveVersion): string {
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
