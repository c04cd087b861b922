import {
  AckPolicy,
  DiscardPolicy,
  type JetStreamApiError,
  type JetStreamManager,
  jetstreamManager,
  RetentionPolicy,
  StorageType,
  type StreamConfig,
} from '@nats-io/jetstream';
import { nanos } from '@nats-io/transport-node';
import {
  ATTEMPTS_BUCKET,
  CALLBACK_SUBJECTS,
  CALLBACKS_CONSUMER,
  CALLBACKS_STREAM,
  DEAD_STREAM,
  DEAD_SUBJECTS,
  LEASES_BUCKET,
  MAX_DELAY_MS,
  RESULTS_BUCKET,
  WORK_STREAM,
  WORK_SUBJECTS,
} from '#contracts';
import type { Connection } from '../connection.js';
import type { NatsMeshConnection } from './connect.js';

/*
 * What the mesh keeps in JetStream beside routes, audit and artifacts, declared in this one place. Every stream is
 * bounded, and refuses what is beyond its bound: who sends learns of it, and nothing that was accepted is dropped for
 * something newer.
 */

export interface StreamOptions {
  /** Bytes of accepted work. Full: new work is refused with `queue-full`. */
  readonly workMaxBytes: number;
  /** Waiting events of one path, so that it cannot take the room of the others. */
  readonly workMaxPerPath: number;
  /** Bytes of dead letters. Full: what should become one stays in WORK and is tried again later. */
  readonly deadMaxBytes: number;
  /** Bytes of results on their way to a callback. Full: the result stays in WORK, undelivered, and is tried again. */
  readonly callbacksMaxBytes: number;
  /** Bytes of results of asynchronous calls. Full: new asynchronous calls are refused with `queue-full`. */
  readonly resultsMaxBytes: number;
  /** How long a result is kept, ms; each one also brings its own limit. */
  readonly resultsTtlMs: number;
}

const MIB = 1024 ** 2;
const SECOND_MS = 1_000;
const DAY_MS = 86_400 * SECOND_MS;

export const STREAM_DEFAULTS: StreamOptions = {
  workMaxBytes: 2048 * MIB,
  workMaxPerPath: 100_000,
  deadMaxBytes: 1024 * MIB,
  callbacksMaxBytes: 256 * MIB,
  resultsMaxBytes: 512 * MIB,
  resultsTtlMs: DAY_MS,
};

/** A producer that is not certain sends again within this time; under the same id it is kept once. */
const DUPLICATES_MS = 600 * SECOND_MS;
/** Longer than any back-off, delay between attempts or outage that one sits out. */
const ATTEMPTS_AGE_MS = 7 * DAY_MS;
const ATTEMPTS_MAX_BYTES = 256 * MIB;
/** After that nobody remembers who had what: far longer than a lease itself, which ends by its own rules (lease.ts). */
const LEASES_AGE_MS = 7 * DAY_MS;

type Declaration = Partial<StreamConfig> & { readonly name: string };
const NAME_IN_USE = 10_058;

/** Makes every stream, or brings it up to date in place. Registry only; may be repeated. */
export async function ensureStreams(connection: Connection, options: StreamOptions): Promise<void> {
  const manager = await jetstreamManager((connection as NatsMeshConnection).nc);
  for (const declaration of declarations(options)) await ensure(manager, declaration);
  await manager.consumers.add(CALLBACKS_STREAM, {
    durable_name: CALLBACKS_CONSUMER,
    ack_policy: AckPolicy.Explicit,
    // Longer than resolving a name, sending and writing down take at the most.
    ack_wait: nanos(30 * SECOND_MS),
    max_deliver: -1,
    // What waits for another try counts, too: a host that is down for long must not hold up the others.
    max_ack_pending: 500_000,
  });
}

function declarations(options: StreamOptions): Declaration[] {
  return [
    {
      name: WORK_STREAM,
      subjects: [...WORK_SUBJECTS],
      retention: RetentionPolicy.Workqueue,
      storage: StorageType.File,
      discard: DiscardPolicy.New,
      max_bytes: options.workMaxBytes,
      max_msgs_per_subject: options.workMaxPerPath,
      discard_new_per_subject: true,
      duplicate_window: nanos(DUPLICATES_MS),
      allow_msg_schedules: true,
      allow_msg_ttl: true,
    },
    {
      name: DEAD_STREAM,
      subjects: [DEAD_SUBJECTS],
      retention: RetentionPolicy.Limits,
      storage: StorageType.File,
      discard: DiscardPolicy.New,
      max_bytes: options.deadMaxBytes,
      duplicate_window: nanos(DUPLICATES_MS),
      allow_direct: true,
    },
    {
      name: CALLBACKS_STREAM,
      subjects: [CALLBACK_SUBJECTS],
      retention: RetentionPolicy.Workqueue,
      storage: StorageType.File,
      discard: DiscardPolicy.New,
      max_bytes: options.callbacksMaxBytes,
      duplicate_window: nanos(DUPLICATES_MS),
    },
    // The age is a limit above each value's own (ADR-43 of NATS), and a call may begin to wait a year before its result.
    bucket(RESULTS_BUCKET, MAX_DELAY_MS + options.resultsTtlMs, options.resultsMaxBytes),
    bucket(ATTEMPTS_BUCKET, ATTEMPTS_AGE_MS, ATTEMPTS_MAX_BYTES),
    bucket(LEASES_BUCKET, LEASES_AGE_MS, MIB),
  ];
}

/** A KV bucket, as ADR-8 of NATS lays one out. */
function bucket(name: string, ageMs: number, maxBytes: number): Declaration {
  return {
    name: `KV_${name}`,
    subjects: [`$KV.${name}.>`],
    retention: RetentionPolicy.Limits,
    storage: StorageType.File,
    discard: DiscardPolicy.New,
    max_msgs_per_subject: 1,
    max_age: nanos(ageMs),
    max_bytes: maxBytes,
    // The server wants it to be no longer than the age.
    duplicate_window: nanos(Math.min(ageMs, 120 * SECOND_MS)),
    allow_rollup_hdrs: true,
    allow_direct: true,
    allow_msg_ttl: true,
    deny_delete: true,
  };
}

async function ensure(manager: JetStreamManager, declaration: Declaration): Promise<void> {
  try {
    await manager.streams.add(declaration);
  } catch (error) {
    if ((error as JetStreamApiError).code !== NAME_IN_USE) throw error;
    const { name, ...changes } = declaration;
    await manager.streams.update(name, changes);
  }
}
