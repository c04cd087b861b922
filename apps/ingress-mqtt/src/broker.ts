import { connect, type IConnackPacket, type IPublishPacket, type MqttClient } from 'mqtt';
import type { Log } from '#lifecycle';
import type { IngressMqttConfig } from './config.js';
import { Session } from './session.js';

/** One message from the broker. */
export interface Incoming {
  readonly topic: string;
  readonly payload: Uint8Array;
  readonly qos: 0 | 1 | 2;
  readonly retain: boolean;
  readonly dup: boolean;
  /** With QoS 1: what its acknowledgement names. */
  readonly messageId?: number;
}

export interface BrokerEvents {
  /** @param resumed the broker still has this client's session, subscriptions included */
  connected(resumed: boolean): void;
  lost(): void;
  /** A promise holds up everything that the broker sends until it resolves. */
  message(message: Incoming, session: Session): Promise<void> | undefined;
}

/** How long before the broker is tried again, ms. */
const FIRST_WAIT_MS = 200;
const MOST_WAIT_MS = 5_000;
const CONNECT_LIMIT_MS = 10_000;
/** Seconds of silence after which the broker is asked whether it is there; given up half as long after. */
const KEEPALIVE_SECONDS = 30;
/** How long a parting from the broker may take, ms. */
const CLOSE_LIMIT_MS = 5_000;

/** Tells the client not to acknowledge by itself: it does so unless its message handler fails. */
const LATER = new Error('acknowledged later');

/**
 * The connection to the broker; the only file that knows the MQTT client. It is made again for ever, under one client
 * id and without a clean session, so that the broker keeps what comes while nobody is here.
 */
export class Broker {
  #client: MqttClient | undefined;
  #session: Session | undefined;
  #fault = '';

  constructor(
    private readonly config: IngressMqttConfig,
    private readonly events: BrokerEvents,
    private readonly log: Log,
  ) {}

  get connected(): boolean {
    return this.#client?.connected ?? false;
  }

  open(): void {
    const { url, username, password } = addressOf(this.config);
    const client = connect(url, {
      clientId: this.config.clientId,
      clean: false,
      protocolVersion: 4,
      keepalive: KEEPALIVE_SECONDS,
      connectTimeout: CONNECT_LIMIT_MS,
      reconnectPeriod: FIRST_WAIT_MS,
      // A refused login may be granted later; without this the client gives up.
      reconnectOnConnackError: true,
      // What is to be subscribed is known better here: see subscriptions.ts.
      resubscribe: false,
      username,
      password,
    });
    this.#client = client;
    client.handleMessage = (packet, done) => this.#onMessage(packet, done);
    client.on('packetreceive', (packet) => {
      // Before 'connect': messages may come with the same bytes.
      if (packet.cmd === 'connack' && packet.returnCode === 0) this.#session = sessionOf(client);
    });
    client.on('connect', (packet) => this.#onConnect(client, packet));
    client.on('close', () => this.#onClose(client));
    client.on('error', (error) => this.#complain(error));
  }

  /** @returns for each filter whether the broker granted it. Rejects when the connection ends meanwhile. */
  subscribe(filters: readonly string[]): Promise<boolean[]> {
    return new Promise((resolve, reject) => {
      this.#opened.subscribe([...filters], { qos: 1 }, (error, _, packet) => {
        // MQTT 3.1.1, clause 3.9.3: one code for each filter, in order; 0x80 is a no.
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

  /** Held messages are not waited for any more; acknowledgements still go out. */
  giveUp(): void {
    this.#session?.giveUp();
  }

  /** Parts from the broker after all that was written; it keeps the session. */
  async close(): Promise<void> {
    const client = this.#client;
    if (!client) return;
    const limit = setTimeout(() => client.stream.destroy(), CLOSE_LIMIT_MS);
    await client.endAsync(!client.connected);
    clearTimeout(limit);
  }

  get #opened(): MqttClient {
    if (!this.#client) throw new Error('the broker was not opened');
    return this.#client;
  }

  #onMessage(packet: IPublishPacket, done: (error?: Error) => void): void {
    const goOn = () => (packet.qos === 0 ? done() : done(LATER));
    const wait = this.#session && this.events.message(incomingOf(packet), this.#session);
    if (wait) void wait.then(goOn);
    else goOn();
  }

  #onConnect(client: MqttClient, { sessionPresent }: IConnackPacket): void {
    this.#fault = '';
    client.options.reconnectPeriod = FIRST_WAIT_MS;
    this.log.info('Connected to the MQTT broker.', {
      host: client.options.host,
      port: client.options.port,
      clientId: client.options.clientId,
      session: sessionPresent ? 'resumed' : 'new',
    });
    this.events.connected(sessionPresent);
  }

  #onClose(client: MqttClient): void {
    const wasOpen = this.#session !== undefined;
    this.#session?.end();
    this.#session = undefined;
    client.options.reconnectPeriod = Math.min((client.options.reconnectPeriod ?? 0) * 2, MOST_WAIT_MS);
    if (wasOpen && !client.disconnecting) this.#complain(new Error('the connection has ended'));
    this.events.lost();
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

/** Sends an acknowledgement when it is due: the client's own way, which it keeps to itself, beside its own order. */
function sessionOf(client: MqttClient): Session {
  const { _sendPacket } = client as unknown as {
    _sendPacket(packet: { cmd: 'puback'; messageId: number; reasonCode: number }): void;
  };
  return new Session((messageId) => _sendPacket.call(client, { cmd: 'puback', messageId, reasonCode: 0 }));
}

function incomingOf({ topic, payload, qos, retain, dup, messageId }: IPublishPacket): Incoming {
  return {
    topic,
    payload: typeof payload === 'string' ? Buffer.from(payload) : payload,
    qos,
    retain,
    dup,
    ...(messageId === undefined ? {} : { messageId }),
  };
}

/** The client would let the login inside the URL go before ours. */
function addressOf(config: IngressMqttConfig) {
  const url = new URL(config.mqttUrl);
  const login = {
    username: config.mqttUser ?? (decodeURIComponent(url.username) || undefined),
    password: config.mqttPassword ?? (decodeURIComponent(url.password) || undefined),
  };
  url.username = '';
  url.password = '';
  return { url: url.href, ...login };
}
