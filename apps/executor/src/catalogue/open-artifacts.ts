import { resolve } from 'node:path';
import { openArtifactStore } from '#artifacts';
import type { ControlPath } from '#contracts';
import { type Connection, openObjectStore } from '#fabric';
import type { Log } from '#lifecycle';
import type { ExecutorConfig } from '../config.js';
import { ArtifactCache } from './artifact-cache.js';
import { DiskCache } from './disk-cache.js';
import { LiveArtifacts } from './live-artifacts.js';
import { Prefetch } from './prefetch.js';

export interface Artifacts {
  readonly cache: ArtifactCache;
  readonly prefetch: Prefetch;
}

/**
 * From the configuration to artifacts on this machine. The store need not be there.
 * @param serves whether this executor runs a path
 */
export async function openArtifacts(
  config: ExecutorConfig,
  connection: Connection,
  serves: (path: ControlPath) => boolean,
  log: Log,
): Promise<Artifacts> {
  const store = await openArtifactStore(config, (bucket) =>
    openObjectStore(() => connection, bucket, { create: false }),
  );
  const live = new LiveArtifacts();
  const disk = await DiskCache.open({
    folder: resolve(config.cacheDir),
    maxBytes: config.cacheMaxBytes,
    isLive: (digest) => live.has(digest),
    log,
  });
  const cache = await ArtifactCache.open(store, disk);
  return { cache, prefetch: new Prefetch(cache, live, serves, log) };
}
