import { Gauge, type Registry } from 'prom-client';
import type { Connection } from '#fabric';
import type { Log } from '#lifecycle';
import { HeadKeeper } from './audit/head-keeper.js';
import type { Catalogue } from './catalogue/catalogue.js';
import { InvocationIntake } from './invocations/invocation-intake.js';
import { Retention } from './invocations/retention.js';

/** What the registry writes down, and how it is kept: the head of the audit chain, records of what ran, their age. */
export class Recording {
  readonly head: HeadKeeper;
  readonly #intake: InvocationIntake;
  readonly #retention: Retention;

  /** @param days for which invocation records are kept */
  constructor(catalogue: Catalogue, days: number, metrics: Registry, log: Log) {
    this.head = new HeadKeeper(catalogue, log);
    this.#retention = new Retention(catalogue, days, log);
    this.#intake = new InvocationIntake(catalogue, this.#retention.firstDay, log);
    this.#count(metrics);
  }

  /** NATS is there. Resolves when executors find the stream, and the head was looked at. */
  async follow(connection: Connection): Promise<void> {
    await this.#retention.start();
    await Promise.all([this.head.follow(connection), this.#intake.follow(connection)]);
  }

  /** Finishes what was taken. The connection and the catalogue must still be there. */
  async stop(): Promise<void> {
    await Promise.all([this.#intake.stop(), this.#retention.stop(), this.head.stop()]);
  }

  #count(metrics: Registry): void {
    const gauge = (name: string, help: string, value: () => number) =>
      new Gauge({
        name,
        help,
        registers: [metrics],
        collect() {
          this.set(value());
        },
      });
    const intake = this.#intake;
    gauge('mesh_registry_invocations_total', 'Invocation records that were written.', () => intake.rows);
    gauge('mesh_registry_invocation_batches_repeated_total', 'Delivered again.', () => intake.repeated);
    gauge('mesh_registry_invocation_batches_refused_total', 'Not readable.', () => intake.refused);
  }
}
