import { readFileSync } from 'node:fs';
import {
  type ConnectionOptions,
  credsAuthenticator,
  type NatsConnection,
  connect as natsConnect,
} from '@nats-io/transport-node';
import { HEADER_ROOM_BYTES } from '#contracts';
import type { Connection, ConnectOptions } from '../connection.js';

/** What of the client's inside ends a handshake that was cut; where it is missing, the time limit does. */
interface Handshake {
  readonly protocol?: { readonly connectError?: (error: Error) => void };
}

/** The adapter behind {@link Connection}; its siblings in this folder reach the client through `nc`. */
export class NatsMeshConnection implements Connection {
  #connected = true;
  readonly #listeners: ((connected: boolean) => void)[] = [];

  constructor(
    readonly nc: NatsConnection,
    /** Prefix of this service's own reply subjects; its user may subscribe below it. */
    readonly inboxPrefix: string,
  ) {
    void this.#followStatus();
  }

  get connected(): boolean {
    return this.#connected && !this.nc.isClosed() && !this.nc.isDraining();
  }

  get maxBody(): number {
    return (this.nc.info?.max_payload ?? 1_048_576) - HEADER_ROOM_BYTES;
  }

  onStatus(listener: (connected: boolean) => void): void {
    this.#listeners.push(listener);
  }

  publish(subject: string, body: string): void {
    if (this.connected) this.nc.publish(subject, body);
  }

  async flush(): Promise<void> {
    await this.nc.flush();
  }

  async close(): Promise<void> {
    if (this.nc.isClosed()) return;
    // Draining needs a server; without one it would wait for ever.
    if (this.#connected) await this.nc.drain();
    else await this.nc.close();
  }

  async #followStatus(): Promise<void> {
    for await (const status of this.nc.status()) {
      if (status.type === 'disconnect' || status.type === 'staleConnection') this.#lost();
      else if (status.type === 'reconnect') this.#set(true);
    }
    this.#set(false);
  }

  #lost(): void {
    // Lost again before it was there: the client does not notice a cut between the server's INFO and its first PONG.
    if (!this.#connected)
      (this.nc as unknown as Handshake).protocol?.connectError?.(new Error('cut in the handshake'));
    this.#set(false);
  }

  #set(connected: boolean): void {
    if (this.#connected === connected) return;
    this.#connected = connected;
    for (const listener of this.#listeners) listener(connected);
  }
}

/** Connects, waiting for a server that is not up yet; from then on reconnects for ever. */
export async function connect(options: ConnectOptions): Promise<Connection> {
  return new NatsMeshConnection(await natsConnect(clientOptions(options)), inboxPrefixOf(options));
}

/** Below it, a service's own replies: the only inboxes that its user may hear. */
const inboxPrefixOf = ({ natsUser }: ConnectOptions): string => (natsUser ? `_INBOX.${natsUser}` : '_INBOX');

/** The client's options, the same for the mesh's connection and for Nest's transport of the control RPC. */
export function clientOptions(options: ConnectOptions): ConnectionOptions {
  return {
    servers: [options.natsUrl],
    name: options.name,
    inboxPrefix: inboxPrefixOf(options),
    maxReconnectAttempts: -1,
    waitOnFirstConnect: true,
    reconnectTimeWait: 100,
    reconnectJitter: 150,
    // Bound on one handshake; 20 s by default, for which a service that met a frozen server would be away.
    timeout: 5_000,
    // Without this the client gives up after two refusals, as while a server restarts with another configuration.
    ignoreAuthErrorAbort: true,
    // Notices a frozen server after 10–20 s instead of 4–6 minutes.
    pingInterval: 10_000,
    maxPingOut: 1,
    // A stack trace a request costs more than the request.
    noAsyncTraces: true,
    ...(options.natsUser === undefined ? {} : { user: options.natsUser, pass: options.natsPassword ?? '' }),
    ...(options.natsCredentials === undefined
      ? {}
      : { authenticator: credsAuthenticator(readFileSync(options.natsCredentials)) }),
  };
}
