import { type Blob, type ImportSource, openImportSource, type S3Config } from '#artifacts';
import type { Log } from '#lifecycle';
import type { Actor } from '../catalogue/values.js';
import type { Door } from '../publish/door.js';
import type { ImportLocation } from './import-source-list.js';
import { ImportWatch } from './import-watch.js';
import { type ImportItem, importArtifacts } from './importer.js';

export interface ImportsConfig extends S3Config {
  readonly importSources: readonly ImportLocation[];
  readonly importSeconds: number;
  readonly maxArtifactBytes: number;
}

/**
 * Artifacts that other pipelines dropped somewhere, taken through the one door: once, or now and then.
 *
 *   importer      reads what is there and publishes it, the newest version last
 *   import-watch  looks into the sources of the configuration
 */
export class Imports {
  #watch: ImportWatch | undefined;

  constructor(
    private readonly config: ImportsConfig,
    private readonly door: Door,
    private readonly log: Log,
  ) {}

  /** Begins to watch the sources of the configuration. */
  async start(): Promise<void> {
    const { importSources, importSeconds } = this.config;
    const sources = await Promise.all(importSources.map((one) => openImportSource(one, this.config)));
    const importBlobs = (source: ImportSource, blobs: readonly Blob[]) => this.#import(source, blobs, {});
    this.#watch = new ImportWatch(sources, importSeconds * 1_000, importBlobs, this.log);
    this.#watch.start();
  }

  /**
   * Takes everything from one place, whatever was taken from there before.
   * @param by who asks for it
   * @throws MeshError of status 503
   */
  async once(location: ImportLocation, by: Actor): Promise<ImportItem[]> {
    const source = await openImportSource(location, this.config);
    try {
      const items: ImportItem[] = [];
      for await (const item of this.#import(source, await source.list(), by.origin)) {
        if (item.cause !== undefined)
          this.log.error(`Importing ${item.key} from ${source.name} failed.`, item.cause);
        items.push(item);
      }
      return items;
    } finally {
      source.close();
    }
  }

  /** Resolves when what is being published is published. */
  async stop(): Promise<void> {
    await this.#watch?.stop();
  }

  #import(source: ImportSource, blobs: readonly Blob[], origin: Actor['origin']) {
    const by: Actor = { name: `import:${source.name}`, origin };
    const publish: Parameters<typeof importArtifacts>[2] = async (path, artifact) =>
      (await this.door.publish({ path, artifact, contentDigest: undefined, by })).created;
    return importArtifacts(source, blobs, publish, this.config.maxArtifactBytes);
  }
}
