import { once } from 'node:events';
import { createServer } from 'node:net';
import {
  type ControlPath,
  decodeEvent,
  decodeHeaders,
  type EventEnvelope,
  encodeResult,
  type OutcomeCode,
  type ResultEnvelope,
  type Route,
} from '#contracts';
import { type Connection, connect, createCallIntake, openRouteStore, type RouteStore } from '#fabric';
import { type NatsOptions, type NatsServer, startNats } from '#servers';
import { later } from './fixtures/later.js';

/* What the scenarios of the queue and the topic ingress stand on: NATS with its users, routes, and who answers. */

export async function natsServer(options: NatsOptions = {}): Promise<NatsServer> {
  const server = await startNats(options);
  later(() => server.stop());
  return server;
}

/** A port that was free a moment ago, for a server that is to come back on it. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, 'close');
  return port;
}

/** Environment with which a service logs in as that user. */
export const loginOf = (nats: NatsServer, user: keyof NatsServer['users']): Record<string, string> => ({
  MESH_NATS_URL: nats.url,
  MESH_NATS_USER: nats.users[user].user,
  MESH_NATS_PASSWORD: nats.users[user].password,
});

/** The mesh's own connection as one of its users. */
export async function connectionOf(nats: NatsServer, user: keyof NatsServer['users']): Promise<Connection> {
  const { password } = nats.users[user];
  const connection = await connect({
    name: 'test',
    natsUrl: nats.url,
    natsUser: user,
    natsPassword: password,
    natsCredentials: undefined,
  });
  later(() => connection.close());
  return connection;
}

export async function routeStore(nats: NatsServer): Promise<RouteStore> {
  return openRouteStore(await connectionOf(nats, 'registry'));
}

export type Trigger = Route['versions'][number]['triggers'][number];

/** A route whose handler nobody unpacks. */
export function routeOf(path: string, triggers: Trigger[] = [], timeoutMs = 5_000): Route {
  return {
    path: path as ControlPath,
    revision: 1,
    aliases: {},
    versions: [
      {
        version: '1.0.0',
        runtime: 'node',
        entry: 'handler.mjs',
        triggers,
        limits: { timeoutMs },
        env: [],
        meta: {},
        digest: `sha256:${'0'.repeat(64)}`,
        weight: 100,
      },
    ],
  };
}

/** A call as it came over NATS. */
export interface SeenCall {
  readonly path: string;
  readonly event: EventEnvelope;
  readonly body: string;
}

type Answer = Partial<ResultEnvelope> & { readonly outcome: OutcomeCode; readonly body?: string };

/**
 * Stands where an executor does: takes the calls of a path over the real NATS path and answers them.
 * @param answer what a call ends with; a promise that never settles is a handler that hangs
 */
export class Responder {
  readonly seen: SeenCall[] = [];
  readonly #connection: Connection;

  private constructor(connection: Connection) {
    this.#connection = connection;
  }

  static async on(nats: NatsServer): Promise<Responder> {
    return new Responder(await connectionOf(nats, 'executor'));
  }

  get bodies(): string[] {
    return this.seen.map(({ body }) => body);
  }

  /** Resolves when the server routes calls here. */
  async serve(
    path: string,
    answer: (call: SeenCall, count: number) => Answer | Promise<Answer> = () => ({ outcome: 'ok' }),
  ): Promise<{ drain(): Promise<void> }> {
    const served = createCallIntake(this.#connection).serve(path as ControlPath, (call) => {
      const headers = decodeHeaders(call.headers ?? new Uint8Array());
      const seen = {
        path,
        event: decodeEvent(headers, () => 'none'),
        body: Buffer.from(call.body).toString(),
      };
      const count = this.seen.push(seen);
      void Promise.resolve(answer(seen, count)).then(({ body = '', ...result }) =>
        call.reply(encodeResult({ id: seen.event.id, status: 200, ...result }), Buffer.from(body)),
      );
    });
    await this.#connection.flush();
    return served;
  }
}
