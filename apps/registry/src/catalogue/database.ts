import type { DataSource, EntityManager } from 'typeorm';
import { MeshError } from '#contracts';
import { isOutage } from './outage.js';

const HEARTBEAT_MS = 2_000;

/**
 * Postgres, as the parts of the catalogue use it. Every method throws MeshError `catalogue-unavailable` while it is
 * away, and works again when it is back.
 */
export class Database {
  readonly #source: DataSource;
  readonly #heartbeat: NodeJS.Timeout;
  readonly #committed: (() => void)[] = [];
  #reachable = true;
  #beating = false;

  constructor(source: DataSource) {
    this.#source = source;
    this.#heartbeat = setInterval(() => void this.#beat(), HEARTBEAT_MS);
    this.#heartbeat.unref();
  }

  /** What the last statement or heartbeat met. */
  get reachable(): boolean {
    return this.#reachable;
  }

  async transaction<T>(work: (manager: EntityManager) => Promise<T>): Promise<T> {
    const result = await this.run((manager) => manager.transaction(work));
    for (const listener of this.#committed) listener();
    return result;
  }

  /** Called after each {@link transaction}. */
  onCommit(listener: () => void): void {
    this.#committed.push(listener);
  }

  async run<T>(work: (manager: EntityManager) => Promise<T>): Promise<T> {
    try {
      const result = await work(this.#source.manager);
      this.#reachable = true;
      return result;
    } catch (error) {
      if (!isOutage(error)) throw error;
      this.#reachable = false;
      throw new MeshError('catalogue-unavailable', undefined, { cause: error });
    }
  }

  async close(): Promise<void> {
    clearInterval(this.#heartbeat);
    await this.#source.destroy();
  }

  /** A frozen server answers nothing and refuses nothing: a heartbeat that outlasts its interval says so. */
  async #beat(): Promise<void> {
    if (this.#beating) {
      this.#reachable = false;
      return;
    }
    this.#beating = true;
    await this.run((manager) => manager.query('SELECT 1')).catch(() => {});
    this.#beating = false;
  }
}
