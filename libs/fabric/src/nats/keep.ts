import type { Msg } from '@nats-io/transport-node';
import { decodeHeaders, encodeHeaders, type HeaderMap, isMeshError, MeshError, statusOf } from '#contracts';
import type { Connection } from '../connection.js';
import type { Keep, Kept } from '../kept.js';
import type { StreamWriter } from '../work-queue.js';
import type { NatsMeshConnection } from './connect.js';
import { headerBlock } from './raw-message.js';
import { Requests } from './requests.js';
import { createStreamWriter } from './stream-writer.js';

const READ_LIMIT_MS = 5_000;
const NOT_FOUND = 404;
const NO_RESPONDERS = 503;
const NO_BYTES = new Uint8Array(0);

/** How long the server remembers that a key was removed: who watches must be able to learn of it. */
const MARKER_TTL = '60s';

/*
 * A KV bucket is a stream (ADR-8 of NATS), one subject a key, of which the last message is the value. The client's own
 * KV knows no headers beside a value, and asks twice where this asks once.
 */
class NatsKeep implements Keep {
  readonly #reads: Requests;
  readonly #writer: StreamWriter;

  constructor(
    connection: NatsMeshConnection,
    private readonly bucket: string,
  ) {
    this.#reads = new Requests(connection);
    connection.onStatus((connected) => {
      if (!connected) this.#reads.rejectAll(new MeshError('not-connected'));
    });
    this.#writer = createStreamWriter(connection);
  }

  get(key: string): Promise<Kept | undefined> {
    const subject = `$JS.API.DIRECT.GET.KV_${this.bucket}.${this.#subject(key)}`;
    return this.#reads.request(subject, undefined, NO_BYTES, READ_LIMIT_MS, readKept);
  }

  async put(key: string, headers: HeaderMap, value: Uint8Array): Promise<number> {
    return (await this.#writer.write(this.#subject(key), encodeHeaders(headers), value)).seq;
  }

  async replace(
    key: string,
    revision: number,
    headers: HeaderMap,
    value: Uint8Array,
  ): Promise<number | undefined> {
    const expecting = { ...headers, 'Nats-Expected-Last-Subject-Sequence': String(revision) };
    try {
      return await this.put(key, expecting, value);
    } catch (error) {
      if (isMeshError(error) && error.code === 'revision-mismatch') return undefined;
      throw error;
    }
  }

  async remove(key: string): Promise<void> {
    const headers = { 'KV-Operation': 'PURGE', 'Nats-Rollup': 'sub', 'Nats-TTL': MARKER_TTL };
    await this.#writer.write(this.#subject(key), encodeHeaders(headers), NO_BYTES);
  }

  #subject(key: string): string {
    return `$KV.${this.bucket}.${key}`;
  }
}

function readKept(message: Msg): Kept | undefined {
  const block = headerBlock(message);
  const status = block ? statusOf(block) : 0;
  if (!block || status === NOT_FOUND) return undefined;
  if (status === NO_RESPONDERS) throw new MeshError('not-found', 'There is no such bucket yet.');
  const headers = decodeHeaders(block);
  const removed = headers['kv-operation'] !== undefined || headers['nats-marker-reason'] !== undefined;
  return removed ? undefined : { headers, value: message.data, revision: Number(headers['nats-sequence']) };
}

/** The bucket itself is made by the registry: see streams.ts. */
export function openKeep(connection: Connection, bucket: string): Keep {
  return new NatsKeep(connection as NatsMeshConnection, bucket);
}
