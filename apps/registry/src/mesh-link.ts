import { setTimeout as delay } from 'node:timers/promises';
import { MeshError } from '#contracts';
import { type Connection, type ConnectOptions, connect } from '#fabric';
import type { Log } from '#lifecycle';
import type { Recording } from './recording.js';
import type { Executors } from './routes/executors.js';
import type { RouteWriter } from './routes/route-writer.js';
import type { WorkKeeper } from './work/work-keeper.js';

const RETRY_MS = 1_000;

/**
 * The registry's way to NATS. It comes up in its own time: the catalogue can be read without it, and readiness
 * says that it is missing. States: joining → joined → stopped.
 */
export class MeshLink {
  #connection: Connection | undefined;
  #stopped = false;
  /** Resolves when NATS was reached, routes were reconciled and control calls are taken. */
  readonly joined: Promise<void>;

  /** @param serveCalls starts the control RPC; called once there is a server to serve it on */
  constructor(
    private readonly options: ConnectOptions,
    private readonly routes: RouteWriter,
    private readonly executors: Executors,
    private readonly recording: Recording,
    private readonly work: WorkKeeper,
    private readonly serveCalls: () => Promise<unknown>,
    private readonly log: Log,
  ) {
    this.joined = this.#join();
    // Who waits for it hears of a failure; nobody has to.
    this.joined.catch((error: unknown) => {
      if (!this.#stopped) this.log.error('Control calls cannot be served.', error);
    });
  }

  get connected(): boolean {
    return this.#connection?.connected ?? false;
  }

  /** From now on nothing is joined any more. */
  leave(): void {
    this.#stopped = true;
  }

  /** @throws MeshError `not-connected` when there was none yet */
  get connection(): Connection {
    if (!this.#connection) throw new MeshError('not-connected');
    return this.#connection;
  }

  /** Call it when nothing is in flight any more. */
  async stop(): Promise<void> {
    this.leave();
    await Promise.all([this.routes.stop(), this.recording.stop(), this.work.stop()]);
    await this.#connection?.close();
  }

  async #join(): Promise<void> {
    const connection = await this.#reach();
    if (!connection) return;
    this.#connection = connection;
    this.executors.follow(connection);
    await Promise.all([
      this.routes.follow(connection),
      this.recording.follow(connection),
      this.work.follow(connection),
      this.serveCalls(),
    ]);
  }

  /** A connection; `undefined` when stopped before there was one. */
  async #reach(): Promise<Connection | undefined> {
    while (!this.#stopped) {
      try {
        const connection = await connect(this.options);
        if (!this.#stopped) return connection;
        await connection.close();
      } catch (error) {
        this.log.error(`No connection to ${this.options.natsUrl}; trying on.`, error);
        await delay(RETRY_MS);
      }
    }
    return undefined;
  }
}
