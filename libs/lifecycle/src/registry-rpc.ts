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

const TIMEOUT_MS = 2_000;

/** The registry's control RPC, seen from the services that ask it. Never on the path of a call. */
export class RegistryRpc {
  readonly #client: ClientProxy;

  /** @param options of the NATS client, as `#fabric` gives them */
  constructor(options: object) {
    this.#client = ClientProxyFactory.create({ transport: Transport.NATS, options });
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
