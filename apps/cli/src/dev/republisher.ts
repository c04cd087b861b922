import { PackError, type Packed, PublishError, packAll, publish } from '#packer';
import type { MeshFile } from '../mesh-address.js';
import { handlerPath, RegistryClient } from '../registry-client.js';
import { developmentVersion } from './development-version.js';
import { Watch } from './watch.js';

/** What there is to tell, as text for people. */
export interface DevLine {
  readonly event: 'live' | 'failed';
  readonly text: string;
  readonly path?: string;
  readonly version?: string;
}

/**
 * Packs and publishes the handlers of a folder, again whenever a file that they are made of changes. One publish at a
 * time; changes meanwhile make one more.
 */
export class Republisher {
  readonly #watch: Watch;
  readonly #registry: RegistryClient;
  /** The development version that is live, by path: removed when the next one is. */
  readonly #live = new Map<string, string>();
  #running = false;
  #wanted = false;

  constructor(
    private readonly folder: string,
    private readonly mesh: MeshFile,
    private readonly tell: (line: DevLine) => void,
  ) {
    this.#watch = new Watch(folder, () => void this.#run());
    this.#registry = new RegistryClient({ url: mesh.registry, token: mesh.token });
  }

  start(): Promise<void> {
    this.#watch.follow([]);
    return this.#run();
  }

  stop(): void {
    this.#watch.close();
  }

  async #run(): Promise<void> {
    this.#wanted = true;
    if (this.#running) return;
    this.#running = true;
    while (this.#wanted) {
      this.#wanted = false;
      await this.#publishAll().catch((error: unknown) => this.tell(failure(error)));
    }
    this.#running = false;
  }

  async #publishAll(): Promise<void> {
    const now = Date.now();
    const packed = await packAll(this.folder, { version: (stated) => developmentVersion(stated, now) });
    this.#watch.follow(packed.flatMap(({ inputs }) => inputs));
    for (const one of packed) await this.#publish(one);
  }

  async #publish(packed: Packed): Promise<void> {
    const { path, version } = packed.manifest;
    await publish({ registryUrl: this.mesh.registry, token: this.mesh.token, packed });
    this.tell({ event: 'live', path, version, text: `✓ ${path}@${version}  ${this.mesh.http}/${path}` });
    const before = this.#live.get(path);
    this.#live.set(path, version);
    // Best effort: a version that stays costs a little room.
    if (before !== undefined)
      await this.#registry
        .request('DELETE', handlerPath(path, `/versions/${encodeURIComponent(before)}`))
        .catch(() => undefined);
  }
}

function failure(error: unknown): DevLine {
  if (error instanceof PackError) return { event: 'failed', text: `✗ ${error.reason}\n  → ${error.remedy}` };
  if (error instanceof PublishError) return { event: 'failed', text: `✗ ${error.message}` };
  return { event: 'failed', text: `✗ ${error instanceof Error ? error.message : String(error)}` };
}
