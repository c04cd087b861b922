import type { IClientPublishOptions, IConnackPacket, IPublishPacket, MqttClient } from 'mqtt';
import type { Log } from '#lifecycle';
import { Backoff } from '#lifecycle';
import type { IngressMqttConfig } from './config.js';
import { codeOf, dial, type Features, featuresOf, VersionChoice } from './dial.js';
import { type Incoming, incomingOf } from './incoming.js';
import { type Acknowledgement, Session, type Unfinished } from './session.js';

export interface BrokerEvents {
  /** @param resumed the broker still has this client's session, subscriptions included */
  connected(resumed: boolean): void;
  /** A connection has ended, or could not be made. */
  lost(): void;
  /** A promise holds up everything that the broker sends until it resolves. */
  message(message: Incoming, session: Session): Promise<void> | undefined;
}

/** The right to the session under this client id. */
export interface SessionLease {
  /** False while another replica may have it by now. */
  readonly isSure: boolean;
  /** Asks at once. */
  confirm(): Promise<boolean>;
}

export interface SubscribeOptions {
  /** Whether the broker sends what it retained: when the subscription is new, where it can tell (MQTT 5). */
  readonly retained: boolean;
}

/** How long before the broker is tried again, ms. */
const FIRST_WAIT_MS = 200;
const MOST_WAIT_MS = 2_000;
/** How long a parting from the broker may take, ms. */
const CLOSE_LIMIT_MS = 5_000;

/** Tells the client not to acknowledge by itself: it does so unless its handler of acknowledgements fails. */
const LATER = new Error('acknowledged later');

/** MQTT 5, clause 3.8.3.1: of a subscription that was there before nothing retained is sent; or never. */
const ONLY_WHEN_NEW = 1;
const NEVER = 2;

/** How a connection ended: it had been accepted; it had not, but may be in another version; it had not. */
type Fate = 'lived' | 'other version' | 'refused';

/** The broker was there and closed the connection. */
const HUNG_UP: readonly unknown[] = ['ECONNRESET', 'EPIPE'];

/** One connection, from the first byte on. */
interface Life {
  readonly client: MqttClient;
  connack?: IConnackPacket;
  session?: Session;
  features?: Features;
  /** What the client said last. */
  fault?: Error & { readonly code?: unknown };
}

/**
 * The way to the broker under one client id; with `dial.ts` the only file that knows the MQTT client. Connections
 * follow one another for ever, without a clean session, so that the broker keeps what comes while nobody is here.
 */
export class Broker {
  readonly #closing = new AbortController();
  readonly #choice: VersionChoice;
  #life: Life | undefined;
  #unfinished: Unfinished | undefined;
  #running: Promise<void> = Promise.resolve();
  #fault = '';

  constructor(
    private readonly config: IngressMqttConfig,
    private readonly clientId: string,
    private readonly events: BrokerEvents,
    private readonly log: Log,
    private readonly lease: SessionLease,
  ) {
    this.#choice = new VersionChoice(config.mqttVersion);
  }

  get connected(): boolean {
    return this.features !== undefined;
  }

  /** Of the broker, while it is connected. */
  get features(): Features | undefined {
    return this.#life?.client.connected ? this.#life.features : undefined;
  }

  open(): void {
    this.#running = this.#run();
  }

  /** @returns for each filter whether the broker granted it. Rejects when the connection ends meanwhile. */
  subscribe(filters: readonly string[], { retained }: SubscribeOptions): Promise<boolean[]> {
    const isShared = filters.some((filter) => filter.startsWith('$share/'));
    const options = {
      qos: 2,
      rh: retained ? ONLY_WHEN_NEW : NEVER,
      // What this service publishes is no event for it; for a shared subscription that is a protocol error.
      nl: !isShared,
    } as const;
    return new Promise((resolve, reject) => {
      this.#opened.subscribe([...filters], options, (error, _, packet) => {
        // MQTT 3.1.1, clause 3.9.3: one code for each filter, in order; 0x80 and above is a no.
        const codes =
          packet?.granted ?? (error as { packet?: { granted: number[] } } | null)?.packet?.granted;
        if (codes) resolve(codes.map((code) => Number(code) < 0x80));
        else reject(error ?? new Error('the broker did not say what it granted'));
      });
    });
  }

  async unsubscribe(filters: readonly string[]): Promise<void> {
    await this.#opened.unsubscribeAsync([...filters]);
  }

  /** Resolves when the broker has it (QoS 1), or it is written (QoS 0), or the connection has ended. */
  async publish(topic: string, payload: Buffer, options: IClientPublishOptions): Promise<void> {
    const published = this.#opened.publishAsync(topic, payload, options);
    await Promise.race([published, this.#life?.session?.ended]);
  }

  /** Held messages are not waited for any more; acknowledgements still go out. */
  giveUp(): void {
    this.#life?.session?.giveUp();
  }

  /** Parts from the broker after all that was written; it keeps the session. */
  async close(): Promise<void> {
    this.#closing.abort();
    const client = this.#life?.client;
    if (client) {
      const limit = setTimeout(() => client.stream.destroy(), CLOSE_LIMIT_MS);
      await client.endAsync(!client.connected);
      clearTimeout(limit);
    }
    await this.#running;
  }

  /** At once and without a word, as when the session is another's by now. */
  async cut(): Promise<void> {
    this.#closing.abort();
    this.#life?.client.stream.destroy();
    await this.#running;
  }

  get #opened(): MqttClient {
    if (!this.#life?.client.connected) throw new Error('not connected to the broker');
    return this.#life.client;
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
    try {
      const { clientId } = this;
      const client = dial(this.config, { clientId, clean: false, version: this.#choice.version });
      const life: Life = { client };
      this.#life = life;
      await this.#follow(life);
      const fate = this.#end(life);
      if (fate === 'other version') return fate;
      if (!this.#closing.signal.aborted) this.#complain(life.fault ?? new Error('the connection has ended'));
      this.events.lost();
      return fate;
    } catch (error) {
      // A file of the TLS settings is missing, or is none.
      this.#complain(error as Error);
      this.events.lost();
      return 'refused';
    }
  }

  /** Resolves when the connection has ended. */
  #follow(life: Life): Promise<void> {
    const { client } = life;
    // Set here, for the client would take it from its options for MQTT 5 alone. QoS 1 and 2 come by it, QoS 0 by the other.
    client.options.customHandleAcks = (_topic, _payload, packet: IPublishPacket, done) =>
      this.#onMessage(life, packet, () => done(LATER));
    client.handleMessage = (packet, done) => this.#onMessage(life, packet, done);
    client.on('packetreceive', (packet) => {
      // Before 'connect': messages may come with the same bytes.
      if (packet.cmd === 'connack') this.#onConnack(life, packet);
      if (packet.cmd === 'pubrel' && packet.messageId) life.session?.released(packet.messageId);
    });
    client.on('connect', (packet) => this.#onConnect(life, packet));
    client.on('error', (error) => {
      if (error !== LATER) life.fault = error;
    });
    return new Promise((resolve) => client.once('close', resolve));
  }

  #onConnack(life: Life, connack: IConnackPacket): void {
    life.connack = connack;
    if (codeOf(connack) !== 0) return;
    const { client } = life;
    // The client keeps this to itself. It writes at once while connected, and nothing after the end of the session.
    const { _sendPacket } = client as unknown as {
      _sendPacket(packet: { cmd: Acknowledgement; messageId: number; reasonCode: number }): void;
    };
    const send = (cmd: Acknowledgement, messageId: number) =>
      _sendPacket.call(client, { cmd, messageId, reasonCode: 0 });
    this.#choice.accepted();
    const { version } = this.#choice;
    life.features = featuresOf(connack, version, this.config.mqttVersion === '3.1.1');
    const parts = { send, isBounded: version === 5, isOurs: () => this.lease.isSure };
    life.session = new Session(parts, connack.sessionPresent ? this.#unfinished : undefined);
  }

  #onMessage({ session }: Life, packet: IPublishPacket, goOn: () => void): void {
    const wait = session && this.events.message(incomingOf(packet), session);
    if (wait) void wait.then(goOn);
    else goOn();
  }

  #onConnect({ client, features }: Life, { sessionPresent }: IConnackPacket): void {
    this.#fault = '';
    this.log.info('Connected to the MQTT broker.', {
      host: client.options.host,
      port: client.options.port,
      version: features?.version === 5 ? '5' : '3.1.1',
      clientId: this.clientId,
      session: sessionPresent ? 'resumed' : 'new',
    });
    this.events.connected(sessionPresent);
  }

  #end({ session, connack, fault }: Life): Fate {
    if (!session) return this.#isVersionRefused(connack, fault) ? 'other version' : 'refused';
    session.end();
    this.#unfinished = session.unfinished;
    return 'lived';
  }

  #isVersionRefused(connack: Life['connack'], fault: Life['fault']): boolean {
    if (connack) return this.#choice.refused(codeOf(connack));
    return (!fault || HUNG_UP.includes(fault.code)) && this.#choice.refused(undefined);
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
