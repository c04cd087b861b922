import { type Connection, connect, createInvoker, type Invoker, type RouteFeed, watchRoutes } from '#fabric';
import type { IngressMqttConfig } from './config.js';

/** This service's side of NATS. */
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
  static async open(config: IngressMqttConfig): Promise<MeshLink> {
    const connection = await connect({ ...config, name: 'mesh-ingress-mqtt' });
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

  async close(): Promise<void> {
    await this.routes.stop();
    await this.connection.close();
  }
}
