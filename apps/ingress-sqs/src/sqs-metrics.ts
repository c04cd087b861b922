import { Counter, Gauge, type Registry } from 'prom-client';
import type { OutcomeCode } from '#contracts';
import type { Operation } from './sqs-queue.js';

/** One queue, as far as metrics look at it. */
export interface WatchedQueue {
  readonly name: string;
  readonly inHand: number;
  readonly held: number;
  readonly reachable: boolean;
}

/**
 * How a message left our hands: deleted after OK; put into the mesh's dead letters and deleted; left to its queue after
 * it failed; given back because it was not run.
 */
export type Ending = 'deleted' | 'dead' | 'released' | 'given-back';

/** What `/metrics` tells of messages and queues. A path is a live handler's, or empty: no producer makes up labels. */
export class SqsMetrics {
  readonly #calls: Counter<'queue' | 'path' | 'outcome'>;
  readonly #endings: Counter<'queue' | 'ending'>;
  readonly #requests: Counter<'queue' | 'operation'>;

  constructor(private readonly registry: Registry) {
    const registers = [registry];
    this.#calls = new Counter({
      name: 'mesh_sqs_calls_total',
      help: 'Messages by how the calls made for them ended; a message that is held is in several.',
      labelNames: ['queue', 'path', 'outcome'],
      registers,
    });
    this.#endings = new Counter({
      name: 'mesh_sqs_messages_total',
      help: 'Messages by what became of them: deleted, dead, released, given-back.',
      labelNames: ['queue', 'ending'],
      registers,
    });
    this.#requests = new Counter({
      name: 'mesh_sqs_requests_total',
      help: 'Requests made to SQS, each of up to ten messages.',
      labelNames: ['queue', 'operation'],
      registers,
    });
  }

  countCall(queue: string, path: string, outcome: OutcomeCode): void {
    this.#calls.inc({ queue, path, outcome });
  }

  countEnding(queue: string, ending: Ending): void {
    this.#endings.inc({ queue, ending });
  }

  countRequest(queue: string, operation: Operation): void {
    this.#requests.inc({ queue, operation });
  }

  /** @param queues those of the moment, asked for whenever metrics are */
  watch(queues: () => readonly WatchedQueue[]): void {
    this.#gauge('mesh_sqs_in_hand', 'Messages received and not settled yet.', queues, (q) => q.inHand);
    this.#gauge(
      'mesh_sqs_held',
      'Messages kept because the mesh cannot take them now.',
      queues,
      (q) => q.held,
    );
    this.#gauge('mesh_sqs_reachable', '1 while the queue can be received from.', queues, (q) =>
      q.reachable ? 1 : 0,
    );
  }

  #gauge(
    name: string,
    help: string,
    queues: () => readonly WatchedQueue[],
    read: (queue: WatchedQueue) => number,
  ): void {
    new Gauge({
      name,
      help,
      labelNames: ['queue'],
      registers: [this.registry],
      collect() {
        this.reset();
        for (const queue of queues()) this.set({ queue: queue.name }, read(queue));
      },
    });
  }
}
