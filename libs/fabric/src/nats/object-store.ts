import { type JetStreamManager, jetstreamManager } from '@nats-io/jetstream';
import { type ObjectInfo, Objm, type ObjectStore as ObjStore, StorageType } from '@nats-io/obj';
import { isMeshError, MeshError } from '#contracts';
import type { Connection } from '../connection.js';
import type { ObjectStore, StoredObject } from '../object-store.js';
import type { NatsMeshConnection } from './connect.js';

/** Longest wait for a list of all objects, ms; for all else each request has its own limit. */
const LIST_LIMIT_MS = 60_000;

/** What is needed of the client for one bucket. */
interface Bucket {
  readonly objects: ObjStore;
  readonly jsm: JetStreamManager;
  readonly stream: string;
}

export interface ObjectStoreOptions {
  /** Makes the bucket when there is none; without, it must have been made. */
  readonly create: boolean;
}

/**
 * The object store of this name. It is reached when it is first used, and anew after any failure: the bucket may have
 * been made meanwhile, or the server may have lost its disk.
 * @param connectionOf may throw MeshError `not-connected` while there is none yet
 */
export function openObjectStore(
  connectionOf: () => Connection,
  bucket: string,
  options: ObjectStoreOptions,
): ObjectStore {
  return new NatsObjectStore(connectionOf, bucket, options);
}

/*
 * How nats.js keeps an object (ADR-20 of NATS): its chunks are messages on `$O.<bucket>.C.<nuid>`, and one message on
 * `$O.<bucket>.M.<name>`, written last, says which nuid is the object.
 */
class NatsObjectStore implements ObjectStore {
  #bucket: Promise<Bucket> | undefined;

  constructor(
    private readonly connectionOf: () => Connection,
    private readonly name: string,
    private readonly options: ObjectStoreOptions,
  ) {}

  put(name: string, bytes: Uint8Array): Promise<void> {
    return this.#reaching(async ({ objects }) => {
      await objects.putBlob({ name }, bytes);
    });
  }

  get(name: string): Promise<Uint8Array | undefined> {
    return this.#reaching((bucket) => this.#readWhole(bucket, name));
  }

  /**
   * One that is replaced while it is read loses its chunks with the old one, and the new one is whole: read anew for
   * as long as it is another one each time. One that stays the same and is not whole is damaged.
   */
  async #readWhole(bucket: Bucket, name: string): Promise<Uint8Array | undefined> {
    let broken: string | undefined;
    for (;;) {
      const info = await bucket.objects.info(name);
      if (!info || info.deleted || info.options?.link || info.nuid === broken) return undefined;
      const bytes = await this.#read(bucket, info);
      if (bytes) return bytes;
      broken = info.nuid;
    }
  }

  stat(name: string): Promise<StoredObject | undefined> {
    return this.#reaching(async ({ objects }) => {
      const info = await objects.info(name);
      return info && !info.deleted ? describe(info) : undefined;
    });
  }

  async *list(): AsyncIterable<StoredObject> {
    const found = await this.#reaching(({ objects }) => within(objects.list(), LIST_LIMIT_MS));
    for (const info of found) yield describe(info);
  }

  remove(name: string): Promise<void> {
    return this.#reaching(async ({ objects }) => {
      await objects.delete(name);
    });
  }

  tidy(before: Date): Promise<number> {
    return this.#reaching(async ({ objects, jsm, stream }) => {
      // First the chunks, then the objects: one that is finished in between is seen as an object.
      const chunks = await chunkSubjects(jsm, stream, this.name);
      const named = new Set((await within(objects.list(), LIST_LIMIT_MS)).map((o) => this.#chunksOf(o)));
      let removed = 0;
      for (const filter of chunks.filter((subject) => !named.has(subject))) {
        const last = await jsm.streams.getMessage(stream, { last_by_subj: filter });
        if (!last || last.time >= before) continue;
        await jsm.streams.purge(stream, { filter });
        removed++;
      }
      return removed;
    });
  }

  /** The connection is its owner's. */
  close(): void {}

  /**
   * Chunk by chunk, each a request with its own limit; `undefined` when one is missing. The client's own way, a
   * consumer, then waits for ever.
   */
  async #read({ jsm, stream }: Bucket, info: ObjectInfo): Promise<Uint8Array | undefined> {
    const bytes = new Uint8Array(info.size);
    let at = 0;
    let seq = 0;
    for (let chunk = 0; chunk < info.chunks; chunk++) {
      const message = await jsm.direct.getMessage(stream, {
        seq: seq + 1,
        next_by_subj: this.#chunksOf(info),
      });
      if (!message || at + message.data.length > bytes.length) return undefined;
      bytes.set(message.data, at);
      at += message.data.length;
      seq = message.seq;
    }
    return at === bytes.length ? bytes : undefined;
  }

  #chunksOf({ nuid }: Pick<ObjectInfo, 'nuid'>): string {
    return `$O.${this.name}.C.${nuid}`;
  }

  async #reaching<T>(work: (bucket: Bucket) => Promise<T>): Promise<T> {
    try {
      const connection = this.connectionOf();
      if (!connection.connected) throw new MeshError('not-connected');
      this.#bucket ??= this.#open(connection);
      return await work(await this.#bucket);
    } catch (cause) {
      this.#bucket = undefined;
      throw isMeshError(cause) && cause.code !== 'not-connected' ? cause : unavailable(cause);
    }
  }

  async #open(connection: Connection): Promise<Bucket> {
    const { nc } = connection as NatsMeshConnection;
    const manager = new Objm(nc);
    const objects = this.options.create
      ? await manager.create(this.name, { storage: StorageType.File })
      : await manager.open(this.name);
    return { objects, jsm: await jetstreamManager(nc, { checkAPI: false }), stream: `OBJ_${this.name}` };
  }
}

const unavailable = (cause: unknown) => new MeshError('store-unavailable', undefined, { cause });

function describe({ name, size, mtime, nuid }: ObjectInfo): StoredObject {
  return { name, size, modified: new Date(mtime), tag: nuid };
}

/** Subjects that hold chunks, whether an object names them or not. */
async function chunkSubjects(jsm: JetStreamManager, stream: string, bucket: string): Promise<string[]> {
  const { state } = await jsm.streams.info(stream, { subjects_filter: `$O.${bucket}.C.>` });
  return Object.keys(state.subjects ?? {});
}

async function within<T>(work: Promise<T>, ms: number): Promise<T> {
  const limit = Promise.withResolvers<never>();
  const timer = setTimeout(() => limit.reject(new Error(`no answer within ${ms} ms`)), ms);
  try {
    return await Promise.race([work, limit.promise]);
  } finally {
    clearTimeout(timer);
  }
}
