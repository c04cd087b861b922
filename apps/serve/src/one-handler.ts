import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { ArtifactStore, FileBlobs } from '#artifacts';
import {
  decodeHeaders,
  encodeEvent,
  type LiveVersion,
  type Manifest,
  MeshError,
  mintMeshId,
  type Route,
} from '#contracts';
import { collect, type Outcome } from '#handler/runtime';
import type { Log } from '#lifecycle';
import { ArtifactCache } from '../../executor/src/catalogue/artifact-cache.js';
import { DiskCache } from '../../executor/src/catalogue/disk-cache.js';
import { Instances } from '../../executor/src/catalogue/instances.js';
import { ownFolder } from '../../executor/src/catalogue/unpacked.js';
import { runtimeOf } from '../../executor/src/executor.module.js';
import { Invoke } from '../../executor/src/invoke.js';
import { allowances } from '../../executor/src/limits/admission.js';
import type { Ceilings } from '../../executor/src/limits/allowed.js';
import type { HandlerPort } from '../../executor/src/runtime/runtime.js';
import type { ServeConfig } from './config.js';
import { UNLOADED } from './from-outcome.js';

/** What a handler keeps in its module is there for the next request, as in a process of its own. */
const WORKERS = 1;

/** An answer in pieces is given whole. */
const MAX_ANSWER_BYTES = 64 * 1024 * 1024;

/** What is to be run: an artifact, and the environment that it sees. */
export interface Served {
  readonly manifest: Manifest;
  readonly digest: string;
  readonly artifact: Uint8Array;
  readonly environment: Readonly<Record<string, string>>;
}

/**
 * An executor of one handler, without NATS and routes: a route that names it alone, and what an executor runs it
 * with — gate, deadline, worker, replacement after a crash.
 */
export class OneHandler {
  readonly #route: Route;

  private constructor(
    { manifest, digest, environment }: Served,
    private readonly invoke: Invoke,
    private readonly instances: Instances,
    private readonly cache: ArtifactCache,
    private readonly folder: string,
    private readonly timeoutMs: number,
    private readonly log: Log,
  ) {
    const { path, description: _, input: __, commit: ___, ...carried } = manifest;
    const version: LiveVersion = {
      ...carried,
      digest,
      weight: 100,
      limits: { timeoutMs, ...carried.limits },
      env: Object.keys(environment),
      environment: { ...environment },
    };
    this.#route = { path, revision: 1, versions: [version], aliases: {} };
  }

  /** Resolves when the handler is loaded, or it is certain that it is not: then every run says so. */
  async load(): Promise<void> {
    for (const version of this.#route.versions) await this.instances.get(this.#route, version).warm();
  }

  static async start(served: Served, config: ServeConfig, log: Log): Promise<OneHandler> {
    const folder = await ownFolder();
    const store = new ArtifactStore(new FileBlobs(folder));
    await store.put(served.digest, served.artifact);
    const disk = await DiskCache.open({
      folder: join(folder, 'cache'),
      maxBytes: 0,
      isLive: () => true,
      log,
    });
    const cache = await ArtifactCache.open(store, disk);
    const allowed = allowances(ceilingsOf(config));
    const instances = new Instances(runtimeOf(config), portTo(log), cache, {}, WORKERS, allowed);
    const invoke = new Invoke(instances, allowed);
    const handler = new OneHandler(served, invoke, instances, cache, folder, config.timeoutMs, log);
    await handler.load();
    return handler;
  }

  /** Runs the handler on a payload. Never rejects: every way to fail is an outcome. */
  async run(payload: string): Promise<Outcome> {
    const event = encodeEvent({
      id: mintMeshId(),
      // Nobody else says how long the caller waits, and what is unsaid is less than the setting may be.
      timeout: this.timeoutMs,
      contentType: 'application/json',
      meta: { source: 'http', method: 'POST' },
    });
    const headers = decodeHeaders(event);
    const body = Buffer.from(JSON.stringify(payload));
    const { id, outcome } = await this.invoke.run(this.#route, headers, body, 1);
    const { outcome: code, cause } = outcome;
    // What the caller gets is a message at the most.
    if (cause) this.log.error(`The handler answered ${code}.`, { id, ...cause });
    return collect(outcome, id, MAX_ANSWER_BYTES);
  }

  async close(): Promise<void> {
    await this.instances.close();
    await this.cache.close();
    await rm(this.folder, { recursive: true, force: true });
  }
}

const ceilingsOf = (config: ServeConfig): Ceilings => ({
  timeoutMs: config.timeoutMs,
  concurrency: config.handlerConcurrency,
  queue: config.handlerQueue,
  workers: WORKERS,
  warm: WORKERS,
  memoryMb: config.workerMemoryMb,
  // What the server takes.
  payloadBytes: Number.POSITIVE_INFINITY,
  ratePerSecond: Number.POSITIVE_INFINITY,
});

function portTo(log: Log): HandlerPort {
  return {
    log: (_, id, level, message, fields) => {
      const write = level === 'error' ? 'error' : level === 'warn' ? 'warn' : 'info';
      if (level !== 'debug') log[write](message, { ...fields, id });
    },
    call: (path) =>
      Promise.reject(new MeshError('no-route', `There is no mesh here that could answer ${path}.`)),
    state: (_, fault) => {
      if (!fault) return;
      const what = UNLOADED.has(fault.code) ? 'The handler is not loaded' : "The handler's worker ended";
      log.error(`${what}: ${fault.detail}`);
    },
  };
}
