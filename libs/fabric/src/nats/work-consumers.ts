import { AckPolicy, type ConsumerInfo, type JetStreamManager, jetstreamManager } from '@nats-io/jetstream';
import { nanos } from '@nats-io/transport-node';
import { WORK_STREAM } from '#contracts';
import type { Connection } from '../connection.js';
import type { WorkConsumer, WorkConsumers } from '../work-consumers.js';
import type { NatsMeshConnection } from './connect.js';

/** Until then an executor must have said that it still works on a message, ms; else another gets it. */
export const ACK_WAIT_MS = 15_000;
/** In hand and in back-off together: a bound on the server's memory, far beyond what one path may have waiting. */
const MAX_ACK_PENDING = 200_000;

export async function openWorkConsumers(connection: Connection): Promise<WorkConsumers> {
  return new StreamConsumers(await jetstreamManager((connection as NatsMeshConnection).nc));
}

class StreamConsumers implements WorkConsumers {
  constructor(private readonly manager: JetStreamManager) {}

  async list(): Promise<WorkConsumer[]> {
    const found: WorkConsumer[] = [];
    for await (const info of this.manager.consumers.list(WORK_STREAM)) found.push(describe(info));
    return found;
  }

  async put({ name, filters, ordered }: WorkConsumer): Promise<void> {
    await this.manager.consumers.add(WORK_STREAM, {
      durable_name: name,
      ack_policy: AckPolicy.Explicit,
      ack_wait: nanos(ACK_WAIT_MS),
      // The executor counts by itself and makes the dead letter: what the server gives up would be stranded.
      max_deliver: -1,
      max_ack_pending: ordered ? 1 : MAX_ACK_PENDING,
      ...(filters.length === 1
        ? { filter_subject: filters[0] as string }
        : { filter_subjects: [...filters] }),
    });
  }

  async remove(name: string): Promise<void> {
    await this.manager.consumers.delete(WORK_STREAM, name);
  }
}

function describe({ name, config }: ConsumerInfo): WorkConsumer {
  const { filter_subject, filter_subjects = [], max_ack_pending } = config;
  return {
    name,
    filters: filter_subject ? [filter_subject] : filter_subjects,
    ordered: max_ack_pending === 1,
  };
}
