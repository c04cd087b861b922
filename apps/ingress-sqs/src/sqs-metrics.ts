import { Counter, Gauge, type Registry } from 'prom-client';
import type { OutcomeCode } from '#contracts';
import type { QueuePoller } from './queue-poller.js';

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

  /** Read from the pollers when asked. */
  watch(pollers: readonly QueuePoller[]): void {
    this.#gauge('mesh_sqs_in_hand', 'Messages received and not settled yet.', pollers, (p) => p.inHand);
    this.#gauge(
      'mesh_sqs_held',
      'Messages kept because the mesh cannot take them now.',
      pollers,
      (p) => p.held,
    );
    this.#gauge('mesh_sqs_reachable', '1 while the queue can be received from.', pollers, (p) =>
      p.reachable ? 1 : 0,
    );
  }

  #gauge(
    name: string,
    help: string,
    pollers: readonly QueuePoller[],
    read: (p: QueuePoller) => number,
  ): void {
    new Gauge({
      name,
      help,
      labelNames: ['queue'],
      registers: [this.registry],
      collect() {
        for (const poller of pollers) this.set({ queue: poller.name }, read(poller));
      },
    });
  }
}
