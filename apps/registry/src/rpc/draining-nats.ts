import { type NatsOptions, ServerNats } from '@nestjs/microservices';

const ENVELOPE_BYTES = 1_024;

/** What is used of a NATS client and its subscriptions. */
interface Client {
  readonly info?: { readonly max_payload: number };
  subscribe(subject: string, options: object): Subscription;
  drain(): Promise<void>;
  close(): Promise<void>;
}
interface Subscription {
  drain(): Promise<void>;
}

/**
 * Nest's NATS transport, which at its end closes the connection and loses what is in flight (its
 * `gracefulShutdown` waits a fixed time instead). This one takes no new calls, answers those it has, then closes.
 */
export class DrainingNats extends ServerNats {
  readonly #subscriptions: Subscription[] = [];
  readonly #idle = new Set<() => void>();
  #inFlight = 0;
  #connected = false;
  #closed = false;

  constructor(options: Required<NatsOptions>['options']) {
    super(options);
    this.status.subscribe((status) => {
      this.#connected = String(status) === 'connected';
    });
    this.setOnProcessingStartHook((_transport, _context, done) => {
      this.#inFlight++;
      return done();
    });
    this.setOnProcessingEndHook(() => this.#ended());
  }

  /** Subscribed, and connected now. */
  get connected(): boolean {
    return this.#connected && this.#subscriptions.length > 0;
  }

  /** Largest answer in bytes: what the server takes, less Nest's envelope around it. */
  get maxAnswer(): number {
    return (this.unwrap<Client>().info?.max_payload ?? 1_048_576) - ENVELOPE_BYTES;
  }

  override bindEvents(client: Client): void {
    super.bindEvents({
      subscribe: (subject: string, options: object) => {
        const subscription = client.subscribe(subject, options);
        this.#subscriptions.push(subscription);
        return subscription;
      },
    });
  }

  /** @throws Error when it was closed meanwhile: the connection would outlive whoever asked for it */
  override async createNatsClient(): Promise<Client> {
    const client: Client = await super.createNatsClient();
    if (!this.#closed) return client;
    await client.close();
    throw new Error('closed before it was connected');
  }

  override async close(): Promise<void> {
    this.#closed = true;
    // Draining asks the server; without one it would wait for ever.
    if (this.connected) await this.#drain();
    await super.close();
  }

  async #drain(): Promise<void> {
    await Promise.all(this.#subscriptions.map((subscription) => subscription.drain()));
    if (this.#inFlight > 0) await new Promise<void>((resolve) => this.#idle.add(resolve));
    // The last answer is handed to the client in the tick after the call has ended.
    await new Promise((resolve) => setImmediate(resolve));
    await this.unwrap<Client>().drain();
  }

  #ended(): void {
    this.#inFlight--;
    if (this.#inFlight === 0) for (const resolve of this.#idle) resolve();
  }
}
