import type { RouteFeed } from './catalogue.js';
import type { Connection, ConnectOptions } from './connection.js';
import type { Invoker } from './invoker.js';
import { connect } from './nats/connect.js';
import { createInvoker } from './nats/invoker.js';
import { watchRoutes } from './nats/route-feed.js';

/** An ingress's side of NATS: it calls handlers and knows the routes. */
export class MeshLink {
  readonly #waiting = new Set<() => void>();

  private constructor(
    readonly connection: Connection,
    readonly invoker: Invoker,
    readonly routes: RouteFeed,
  ) {
    connection.onStatus((connected) => {
      if (connected) for (const resolve of this.#waiting) resolve();
    });
  }

  /** Connects, waiting for a server that is not up yet; resolves when the routes are known. */
  static async open(options: ConnectOptions): Promise<MeshLink> {
    const connection = await connect(options);
    const link = new MeshLink(connection, createInvoker(connection), watchRoutes(connection));
    await link.routes.whole;
    return link;
  }

  get connected(): boolean {
    return this.connection.connected;
  }

  /** Resolves when connected, or when the signal aborts. */
  async untilConnected(signal: AbortSignal): Promise<void> {
    if (this.connected || signal.aborted) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#waiting.add(resolve);
    signal.addEventListener('abort', () => resolve(), { once: true });
    await promise;
    this.#waiting.delete(resolve);
  }

  /** Resolves when no call waits any more. */
  async idle(): Promise<void> {
    await this.invoker.idle();
  }

  async close(): Promise<void> {
    await this.routes.stop();
    await this.connection.close();
  }
}
