import {
  AckPolicy,
  type ConsumerConfig,
  type ConsumerInfo,
  type JetStreamApiError,
  type JetStreamManager,
  jetstreamManager,
} from '@nats-io/jetstream';
import { nanos } from '@nats-io/transport-node';
import { WORK_STREAM } from '#contracts';
import type { Connection } from '../connection.js';
import type { LostSubjects, WorkConsumer, WorkConsumerState, WorkConsumers } from '../work-consumers.js';
import type { NatsMeshConnection } from './connect.js';

/** Until then an executor must have said that it still works on a message, ms; else another gets it. */
export const ACK_WAIT_MS = 15_000;
/** In hand and in back-off together: a bound on the server's memory, far beyond what one path may have waiting. */
const MAX_ACK_PENDING = 200_000;

/** Name in a consumer's metadata. */
const LOST = 'mesh-lost';
/** The server compares each filter with each other: 1,000 of them take it 0.1 s, 10,000 take it 15 s. */
const CHANGE_LIMIT_MS = 30_000;

/** Of JetStream: server/errors.json of nats-server */
const CONSUMER_EXISTS = 10_148;
const CONSUMER_NOT_FOUND = 10_014;
/** A subject that nobody publishes: what takes nothing still needs a filter, without one it would take all. */
const NOTHING = 'mesh.schedule.-';

export async function openWorkConsumers(connection: Connection): Promise<WorkConsumers> {
  const { nc } = connection as NatsMeshConnection;
  return new StreamConsumers(await jetstreamManager(nc, { timeout: CHANGE_LIMIT_MS }));
}

class StreamConsumers implements WorkConsumers {
  constructor(private readonly manager: JetStreamManager) {}

  async list(): Promise<WorkConsumerState[]> {
    const found: WorkConsumerState[] = [];
    for await (const info of this.manager.consumers.list(WORK_STREAM)) found.push(describe(info));
    return found;
  }

  async put(consumer: WorkConsumer, after = 0): Promise<void> {
    try {
      await this.#create(consumer, after);
    } catch (error) {
      if ((error as JetStreamApiError).code !== CONSUMER_EXISTS) throw error;
      await this.#update(consumer);
    }
  }

  async remove(name: string): Promise<void> {
    try {
      await this.manager.consumers.delete(WORK_STREAM, name);
    } catch (error) {
      if ((error as JetStreamApiError).code !== CONSUMER_NOT_FOUND) throw error;
    }
  }

  /**
   * A workqueue lets a consumer begin nowhere but at the first message. One that takes nothing yet is put behind what
   * others have in hand, and then given its subjects.
   */
  async #create(consumer: WorkConsumer, after: number): Promise<void> {
    if (after === 0) {
      await this.manager.consumers.add(WORK_STREAM, configOf(consumer));
      return;
    }
    const { name } = consumer;
    await this.manager.consumers.add(WORK_STREAM, configOf({ ...consumer, filters: [] }));
    await this.manager.consumers.reset(WORK_STREAM, name, after + 1);
    await this.#update(consumer);
  }

  async #update(consumer: WorkConsumer): Promise<void> {
    // The client puts the changes over what is there, and the server refuses one filter beside a list of them.
    const changes = { ...configOf(consumer), filter_subject: undefined } as Partial<ConsumerConfig>;
    await this.manager.consumers.update(WORK_STREAM, consumer.name, changes);
  }
}

function configOf({ name, filters, ordered, lost }: WorkConsumer): Partial<ConsumerConfig> {
  return {
    durable_name: name,
    ack_policy: AckPolicy.Explicit,
    ack_wait: nanos(ACK_WAIT_MS),
    // The executor counts by itself and makes the dead letter: what the server gives up would be stranded.
    max_deliver: -1,
    max_ack_pending: ordered ? 1 : MAX_ACK_PENDING,
    metadata: lost ? { [LOST]: JSON.stringify(lost) } : {},
    filter_subjects: filters.length > 0 ? [...filters] : [`${NOTHING}.${name}`],
  };
}

function describe({ name, config, ...state }: ConsumerInfo): WorkConsumerState {
  const { filter_subject, filter_subjects = [], max_ack_pending, metadata } = config;
  const lost = lostIn(metadata?.[LOST]);
  const filters = filter_subject ? [filter_subject] : filter_subjects;
  return {
    name,
    filters: filters.filter((filter) => !filter.startsWith(`${NOTHING}.`)),
    ordered: max_ack_pending === 1,
    delivered: state.delivered.stream_seq,
    ackFloor: state.ack_floor.stream_seq,
    inHand: state.num_ack_pending,
    waiting: state.num_pending,
    ...(lost ? { lost } : {}),
  };
}

/** Written by this file alone; what cannot be read says nothing. */
function lostIn(text: string | undefined): LostSubjects | undefined {
  try {
    return text === undefined ? undefined : (JSON.parse(text) as LostSubjects);
  } catch {
    return undefined;
  }
}
