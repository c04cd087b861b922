import {
  AckPolicy,
  DeliverPolicy,
  type JetStreamApiError,
  type JetStreamManager,
  type JsMsg,
  jetstream,
  jetstreamManager,
  type StoredMsg,
} from '@nats-io/jetstream';
import { type MsgHdrs, type NatsConnection, nanos } from '@nats-io/transport-node';
import { type HeaderMap, isMeshError, MeshError } from '#contracts';
import type { Connection } from '../connection.js';
import type { StockHead, StockMessage, StockState, StreamStock } from '../stream-stock.js';
import type { NatsMeshConnection } from './connect.js';

/** Of JetStream: server/errors.json of nats-server. There is no message at that place, or of that subject. */
const NO_MESSAGE: readonly unknown[] = [10_037, 10_043, 10_057];
/** Heads that are asked for at once, and for how long; a reader that goes away is forgotten after a while. ms */
const BATCH = 1_000;
const BATCH_MS = 5_000;
const FORGET_MS = 30_000;

/** The stream is made elsewhere: see streams.ts. */
export function openStreamStock(connection: Connection, stream: string): StreamStock {
  return new JetStreamStock(connection as NatsMeshConnection, stream);
}

class JetStreamStock implements StreamStock {
  #manager: Promise<JetStreamManager> | undefined;

  constructor(
    private readonly connection: NatsMeshConnection,
    private readonly stream: string,
  ) {}

  state(): Promise<StockState> {
    return this.#reaching(async (manager) => {
      const { state, config } = await manager.streams.info(this.stream);
      return {
        messages: state.messages,
        bytes: state.bytes,
        maxBytes: config.max_bytes,
        first: state.first_seq,
        last: state.last_seq,
        oldestAt: Date.parse(state.first_ts),
      };
    });
  }

  subjects(filter: string): Promise<Map<string, number>> {
    return this.#reaching(async (manager) => {
      const { state } = await manager.streams.info(this.stream, { subjects_filter: filter });
      return new Map(Object.entries(state.subjects ?? {}));
    });
  }

  get(seq: number): Promise<StockMessage | undefined> {
    return this.#read({ seq });
  }

  next(subject: string, from: number): Promise<StockMessage | undefined> {
    return this.#read({ next_by_subj: subject, seq: from });
  }

  async *heads(filter: string, from: number, to: number): AsyncGenerator<StockHead> {
    if (from > to) return;
    const manager = await this.#open();
    const { name } = await manager.consumers.add(this.stream, {
      filter_subject: filter,
      deliver_policy: DeliverPolicy.StartSequence,
      opt_start_seq: Math.max(1, from),
      ack_policy: AckPolicy.None,
      headers_only: true,
      mem_storage: true,
      inactive_threshold: nanos(FORGET_MS),
    });
    try {
      yield* headsOf(this.connection.nc, this.stream, name, to);
    } finally {
      await manager.consumers.delete(this.stream, name).catch(() => undefined);
    }
  }

  remove(seq: number): Promise<boolean> {
    return this.#reaching(async (manager) => {
      try {
        // Not overwritten with noise first: the same bytes stood in another stream a moment ago.
        return await manager.streams.deleteMessage(this.stream, seq, false);
      } catch (error) {
        if (isNoMessage(error)) return false;
        throw error;
      }
    });
  }

  purge(subject: string): Promise<number> {
    return this.#reaching(async (manager) => {
      const { purged } = await manager.streams.purge(this.stream, { filter: subject });
      return purged;
    });
  }

  #read(query: { seq: number } | { next_by_subj: string; seq: number }): Promise<StockMessage | undefined> {
    return this.#reaching(async (manager) => {
      try {
        const found = await manager.streams.getMessage(this.stream, query);
        return found ? stored(found) : undefined;
      } catch (error) {
        if (isNoMessage(error)) return undefined;
        throw error;
      }
    });
  }

  async #reaching<T>(work: (manager: JetStreamManager) => Promise<T>): Promise<T> {
    try {
      return await work(await this.#open());
    } catch (cause) {
      throw isMeshError(cause) ? cause : new MeshError('not-connected', undefined, { cause });
    }
  }

  #open(): Promise<JetStreamManager> {
    if (!this.connection.connected) throw new MeshError('not-connected');
    this.#manager ??= jetstreamManager(this.connection.nc, { checkAPI: false });
    return this.#manager;
  }
}

const isNoMessage = (error: unknown): boolean => NO_MESSAGE.includes((error as JetStreamApiError).code);

async function* headsOf(
  nc: NatsConnection,
  stream: string,
  name: string,
  to: number,
): AsyncGenerator<StockHead> {
  const consumer = await jetstream(nc).consumers.get(stream, name);
  let left = (await consumer.info()).num_pending;
  while (left > 0) {
    const wanted = Math.min(left, BATCH);
    for await (const message of await consumer.fetch({ max_messages: wanted, expires: BATCH_MS })) {
      if (message.seq > to) return;
      yield head(message);
      left = message.info.pending;
    }
  }
}

function head(message: JsMsg): StockHead {
  const { seq, subject, headers, time } = message;
  return {
    seq,
    subject,
    headers: headerMap(headers),
    storedAt: time.getTime(),
    // https://docs.nats.io: what a consumer of heads gets instead of the body.
    size: Number(headers?.get('Nats-Msg-Size') ?? 0),
  };
}

function stored(message: StoredMsg): StockMessage {
  const { seq, subject, header, data, time } = message;
  return {
    seq,
    subject,
    headers: headerMap(header),
    body: data,
    storedAt: time.getTime(),
    size: data.length,
  };
}

function headerMap(headers: MsgHdrs | undefined): HeaderMap {
  const map: HeaderMap = Object.create(null);
  for (const [name, values] of headers ?? []) map[name.toLowerCase()] ??= values[0] ?? '';
  return map;
}
