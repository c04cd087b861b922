import { type ClientProxy, ClientProxyFactory, Transport } from '@nestjs/microservices';
import { firstValueFrom, timeout } from 'rxjs';
import { REGISTRY_DESCRIBE, REGISTRY_REPORT } from '#contracts';

/** What a live handler is, for people and for OpenAPI. */
export interface HandlerDescription {
  readonly path: string;
  readonly version: string;
  readonly description?: string;
  readonly meta?: Readonly<Record<string, unknown>>;
}

/** An executor's word on a handler that does not work there, or works again. */
export interface HandlerReport {
  readonly executor: string;
  readonly path: string;
  readonly version: string;
  readonly state: 'degraded' | 'ok';
  readonly code?: string;
  readonly detail?: string;
}

export interface RpcOptions {
  readonly natsUrl: string;
  readonly natsUser?: string | undefined;
  readonly natsPassword?: string | undefined;
}

const TIMEOUT_MS = 2_000;

/** The registry's control RPC, seen from the services that ask it. Never on the path of a call. */
export class RegistryRpc {
  readonly #client: ClientProxy;

  constructor(options: RpcOptions) {
    this.#client = ClientProxyFactory.create({
      transport: Transport.NATS,
      options: natsTransportOptions(options),
    });
  }

  /** @throws when the registry does not answer within 2 s */
  describe(): Promise<HandlerDescription[]> {
    return firstValueFrom(
      this.#client.send<HandlerDescription[]>(REGISTRY_DESCRIBE, {}).pipe(timeout(TIMEOUT_MS)),
    );
  }

  /** @throws when the registry does not answer within 2 s */
  async report(report: HandlerReport): Promise<void> {
    await firstValueFrom(this.#client.send(REGISTRY_REPORT, report).pipe(timeout(TIMEOUT_MS)));
  }

  async close(): Promise<void> {
    await this.#client.close();
  }
}

/** Options of Nest's NATS transport that match those of the mesh's own connection. */
export function natsTransportOptions({ natsUrl, natsUser, natsPassword }: RpcOptions) {
  return {
    servers: [natsUrl],
    maxReconnectAttempts: -1,
    waitOnFirstConnect: true,
    reconnectTimeWait: 250,
    noAsyncTraces: true,
    ...(natsUser === undefined
      ? {}
      : { user: natsUser, pass: natsPassword ?? '', inboxPrefix: `_INBOX.${natsUser}` }),
  };
}
