import type { IClientPublishOptions } from 'mqtt';
import type { Log } from '#lifecycle';
import { Backoff } from '#lifecycle';
import type { IngressMqttConfig } from './config.js';
import { Connection, type ConnectionParts, type SubscribeOptions } from './connection.js';
import { dial, VersionChoice } from './dial.js';
import type { Unfinished } from './session.js';

export interface BrokerEvents {
  /** @param isResumed the broker still has this client's session, subscriptions included */
  connected(isResumed: boolean): void;
  /** A connection has ended, or could not be made. */
  lost(): void;
  readonly message: ConnectionParts['onMessage'];
}

/** The right to the session under a client id. */
export interface SessionLease {
  /** The client id. */
  readonly name: string;
  /** False while another replica may have it by now. */
  readonly isSure: boolean;
  /** Asks at once. */
  confirm(): Promise<boolean>;
}

/** How long before the broker is tried again, ms. */
const FIRST_WAIT_MS = 200;
const MOST_WAIT_MS = 2_000;

/** How a connection ended: it had been accepted; it had not, but may be in another version; it had not. */
type Fate = 'lived' | 'other version' | 'refused';

/**
 * The way to the broker under one client id: connections that follow one another for ever, without a clean session, so
 * that the broker keeps what comes while nobody is here.
 */
export class Broker {
  readonly #closing = new AbortController();
  readonly #choice: VersionChoice;
  #connection: Connection | undefined;
  #unfinished: Unfinished | undefined;
  #running: Promise<void> = Promise.resolve();
  #fault = '';

  constructor(
    private readonly config: IngressMqttConfig,
    private readonly events: BrokerEvents,
    private readonly log: Log,
    private readonly lease: SessionLease,
  ) {
    this.#choice = new VersionChoice(config.mqttVersion);
  }

  get connected(): boolean {
    return this.#connection?.isOpen ?? false;
  }

  open(): void {
    this.#running = this.#run();
  }

  /** @returns for each filter whether the broker granted it. Rejects when the connection ends meanwhile. */
  async subscribe(filters: readonly string[], options: SubscribeOptions): Promise<boolean[]> {
    return this.#opened.subscribe(filters, options);
  }

  async unsubscribe(filters: readonly string[]): Promise<void> {
    await this.#opened.unsubscribe(filters);
  }

  /** Resolves when the broker has it (QoS 1), or it is written (QoS 0), or the connection has ended. */
  async publish(topic: string, payload: Buffer, options: IClientPublishOptions): Promise<void> {
    await this.#opened.publish(topic, payload, options);
  }

  /** Held messages are not waited for any more; acknowledgements still go out. */
  giveUp(): void {
    this.#connection?.session?.giveUp();
  }

  /** Parts from the broker after all that was written; it keeps the session. */
  async close(): Promise<void> {
    this.#closing.abort();
    await this.#connection?.close();
    await this.#running;
  }

  /** At once and without a word, as when the session is another's by now. */
  async cut(): Promise<void> {
    this.#closing.abort();
    this.#connection?.cut();
    await this.#running;
  }

  get #opened(): Connection {
    if (!this.#connection?.isOpen) throw new Error('not connected to the broker');
    return this.#connection;
  }

  async #run(): Promise<void> {
    const { signal } = this.#closing;
    const backoff = new Backoff(FIRST_WAIT_MS, MOST_WAIT_MS);
    do {
      // A connection that ended may have been ended by another replica's: not to be taken back from it.
      if (!(await this.lease.confirm())) continue;
      let fate = await this.#live();
      if (fate === 'other version') fate = await this.#live();
      if (fate === 'lived') backoff.reset();
    } while (!signal.aborted && (await backoff.wait(signal)));
  }

  /** One connection from its beginning to its end. */
  async #live(): Promise<Fate> {
    if (this.#closing.signal.aborted) return 'refused';
    const { connection, fault } = this.#dial();
    this.#connection = connection;
    await connection?.ended;
    const fate = connection ? this.#fateOf(connection) : 'refused';
    if (fate === 'other version') return fate;
    if (!this.#closing.signal.aborted)
      this.#complain(fault ?? connection?.fault ?? new Error('the connection has ended'));
    this.events.lost();
    return fate;
  }

  #dial(): { readonly connection?: Connection; readonly fault?: Error } {
    const { version } = this.#choice;
    const parts = {
      version,
      unfinished: this.#unfinished,
      isOurs: () => this.lease.isSure,
      onConnected: (isResumed: boolean) => this.#onConnected(isResumed),
      onMessage: this.events.message,
    };
    try {
      const client = dial(this.config, { clientId: this.lease.name, clean: false, version });
      return { connection: new Connection(client, parts) };
    } catch (error) {
      // A file of the TLS settings is missing, or is none.
      return { fault: error as Error };
    }
  }

  #fateOf({ session, refusal }: Connection): Fate {
    if (!session) return refusal !== 'none' && this.#choice.refused(refusal) ? 'other version' : 'refused';
    this.#unfinished = session.unfinished;
    return 'lived';
  }

  #onConnected(isResumed: boolean): void {
    this.#fault = '';
    this.#choice.accepted();
    this.log.info('Connected to the MQTT broker.', {
      ...this.#connection?.address,
      version: this.#choice.version === 5 ? '5' : '3.1.1',
      clientId: this.lease.name,
      session: isResumed ? 'resumed' : 'new',
    });
    this.events.connected(isResumed);
  }

  /** Said once for each fault, not for each attempt. */
  #complain(error: Error): void {
    if (this.#fault === error.message) return;
    this.#fault = error.message;
    this.log.warn('No connection to the MQTT broker; trying again until there is one.', {
      fault: error.message || error.name,
    });
  }
}
