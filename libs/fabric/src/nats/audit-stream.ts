import {
  AckPolicy,
  type Consumer,
  DiscardPolicy,
  JetStreamApiError,
  type JsMsg,
  jetstream,
  jetstreamManager,
  RetentionPolicy,
  StorageType,
} from '@nats-io/jetstream';
import { nanos, RequestError } from '@nats-io/transport-node';
import { AUDIT_INVOCATIONS, AUDIT_STREAM, AUDIT_SUBJECTS, MeshError } from '#contracts';
import type { AuditReader, AuditWriter, StoredBatch } from '../audit-stream.js';
import type { Connection } from '../connection.js';
import type { NatsMeshConnection } from './connect.js';

const DAY_MS = 86_400_000;

/**
 * The only place that says how much may wait for the registry: a gibibyte is some eight million invocations. Beyond
 * either bound the oldest go, since calls must not fail for want of room to write them down.
 */
const STREAM = {
  name: AUDIT_STREAM,
  subjects: [AUDIT_SUBJECTS],
  retention: RetentionPolicy.Limits,
  storage: StorageType.File,
  discard: DiscardPolicy.Old,
  max_bytes: 1024 ** 3,
  max_age: nanos(7 * DAY_MS),
};
/** How long a batch may be redelivered: what was written must be remembered for as long, in ms. */
export const AUDIT_MAX_AGE_MS = 7 * DAY_MS;

const CONSUMER = {
  durable_name: 'registry-invocations',
  filter_subject: AUDIT_INVOCATIONS,
  ack_policy: AckPolicy.Explicit,
  // Longer than the longest that a write to Postgres is waited for.
  ack_wait: nanos(60_000),
  max_ack_pending: 2_000,
  max_deliver: -1,
};
const NAME_IN_USE = 10_058;
const SEND_LIMIT_MS = 5_000;
const TAKE_WAIT_MS = 1_000;

export function openAuditWriter(connection: Connection): AuditWriter {
  const js = jetstream((connection as NatsMeshConnection).nc);
  return {
    async sendInvocations(id, batch) {
      if (!connection.connected) throw new MeshError('not-connected');
      try {
        const options = { msgID: id, timeout: SEND_LIMIT_MS, expect: { streamName: AUDIT_STREAM } };
        await js.publish(AUDIT_INVOCATIONS, batch, options);
      } catch (cause) {
        const code = nobodyTakes(cause) ? 'not-found' : 'not-connected';
        throw new MeshError(code, undefined, { cause });
      }
    },
  };
}

/** No stream has the subject: the server itself says so. */
function nobodyTakes(error: unknown): boolean {
  const { cause } = error as { cause?: unknown };
  return cause instanceof RequestError && cause.isNoResponders();
}

/** Makes stream and consumer if need be, or brings them up to date. */
export async function openAuditReader(connection: Connection): Promise<AuditReader> {
  const { nc } = connection as NatsMeshConnection;
  const manager = await jetstreamManager(nc);
  await manager.streams.add(STREAM).catch((error: unknown) => {
    if (!(error instanceof JetStreamApiError) || error.code !== NAME_IN_USE) throw error;
    return manager.streams.update(AUDIT_STREAM, STREAM);
  });
  await manager.consumers.add(AUDIT_STREAM, CONSUMER);
  return new StreamReader(await jetstream(nc).consumers.get(AUDIT_STREAM, CONSUMER.durable_name));
}

class StreamReader implements AuditReader {
  constructor(private readonly consumer: Consumer) {}

  async take(atMost: number): Promise<StoredBatch[]> {
    const first = await this.consumer.next({ expires: TAKE_WAIT_MS });
    if (!first) return [];
    const more = Math.min(first.info.pending, atMost - 1);
    const taken = [first];
    if (more > 0)
      // What is pending is there at once; another registry may have been quicker, hence the bound.
      for await (const message of await this.consumer.fetch({ max_messages: more, expires: TAKE_WAIT_MS }))
        taken.push(message);
    return taken.map(storedBatch);
  }
}

const storedBatch = (message: JsMsg): StoredBatch => ({
  json: message.string(),
  done: () => message.ack(),
  again: (afterMs) => message.nak(afterMs),
  refuse: (reason) => message.term(reason),
});
