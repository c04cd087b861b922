import { RESULTS_BUCKET } from '#contracts';
import {
  type Connection,
  connect,
  createInvoker,
  createStreamWriter,
  type Invoker,
  type Keep,
  openKeep,
  type RouteFeed,
  type StreamWriter,
  watchRoutes,
} from '#fabric';
import type { IngressHttpConfig } from './config.js';
import type { Router } from './router.js';

interface Open {
  readonly connection: Connection;
  readonly invoker: Invoker;
  readonly routes: RouteFeed;
  /** Into the streams of work. */
  readonly writer: StreamWriter;
  /** State and results of asynchronous calls. */
  readonly keep: Keep;
}

/**
 * This service's side of NATS. It is absent until the first connect, so that the HTTP server can already say so:
 * whoever finds `open` undefined answers 503.
 */
export class MeshLink {
  open: Open | undefined;

  constructor(
    private readonly config: IngressHttpConfig,
    private readonly router: Pick<Router, 'update'>,
  ) {}

  get connected(): boolean {
    return this.open?.connection.connected ?? false;
  }
  get hasRoutes(): boolean {
    return this.open?.routes.isWhole ?? false;
  }

  /** Connects, waiting for a server that is not up yet; resolves when the routes are known. */
  async start(): Promise<void> {
    const connection = await connect({ ...this.config, name: 'mesh-ingress-http' });
    const routes = watchRoutes(connection);
    routes.onChange((path, route) => this.router.update(path, route));
    this.open = {
      connection,
      invoker: createInvoker(connection, { takesStreams: true }),
      routes,
      writer: createStreamWriter(connection),
      keep: openKeep(connection, RESULTS_BUCKET),
    };
    await routes.whole;
    await connection.flush();
  }

  async stop(): Promise<void> {
    if (!this.open) return;
    const { connection, invoker, routes, writer } = this.open;
    await invoker.idle();
    await writer.idle();
    await routes.stop();
    await connection.close();
  }
}
