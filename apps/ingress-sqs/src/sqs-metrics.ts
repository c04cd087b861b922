import { Counter, Gauge, type Registry } from 'prom-client';
import type { OutcomeCode } from '#contracts';

/** One queue, as far as metrics look at it. */
export interface WatchedQueue {
  readonly name: string;
  readonly inHand: number;
  readonly held: number;
  readonly reachable: boolean;
}

/** What `/metrics` tells of messages and queues. A path is a live handler's, or empty: no producer makes up labels. */
export class SqsMetrics {
  readonly #endings: Counter<'queue' | 'path' | 'outcome'>;

  constructor(private readonly registry: Registry) {
    this.#endings = new Counter({
      name: 'mesh_sqs_calls_total',
      help: 'Calls made for messages, by how they ended; a message that is held makes several.',
      labelNames: ['queue', 'path', 'outcome'],
      registers: [registry],
    });
  }

  count(queue: string, path: string, outcome: OutcomeCode): void {
    this.#endings.inc({ queue, path, outcome });
  }

  /** Read from the queues when asked. */
  watch(queues: readonly WatchedQueue[]): void {
    this.#gauge('mesh_sqs_in_hand', 'Messages received and not settled yet.', queues, (p) => p.inHand);
    this.#gauge(
      'mesh_sqs_held',
      'Messages kept because the mesh cannot take them now.',
      queues,
      (p) => p.held,
    );
    this.#gauge('mesh_sqs_reachable', '1 while the queue can be received from.', queues, (p) =>
      p.reachable ? 1 : 0,
    );
  }

  #gauge(
    name: string,
    help: string,
    queues: readonly WatchedQueue[],
    read: (p: WatchedQueue) => number,
  ): void {
    new Gauge({
      name,
      help,
      labelNames: ['queue'],
      registers: [this.registry],
      collect() {
        for (const queue of queues) this.set({ queue: queue.name }, read(queue));
      },
    });
  }
}
