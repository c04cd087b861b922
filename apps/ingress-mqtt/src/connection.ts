import type { IClientPublishOptions, IConnackPacket, IPublishPacket, MqttClient } from 'mqtt';
import { codeOf, type MqttVersion } from './dial.js';
import { type Incoming, incomingOf } from './incoming.js';
import { type Acknowledgement, Session, type Unfinished } from './session.js';

export interface ConnectionParts {
  readonly version: MqttVersion;
  /** What the connection before left, if the broker resumes its session. */
  readonly unfinished: Unfinished | undefined;
  /** False while another replica may have the session by now. */
  readonly isOurs: () => boolean;
  readonly onConnected: (isResumed: boolean) => void;
  /** A promise holds up everything that the broker sends until it resolves. */
  readonly onMessage: (message: Incoming, session: Session) => Promise<void> | undefined;
}

export interface SubscribeOptions {
  /** Whether the broker sends what it retained: when the subscription is new, where it can tell (MQTT 5). */
  readonly retained: boolean;
}

/** How long a parting from the broker may take, ms. */
const CLOSE_LIMIT_MS = 5_000;

/** Tells the client not to acknowledge by itself: it does so unless its handler of acknowledgements fails. */
const LATER = new Error('acknowledged later');

/** MQTT 5, clause 3.8.3.1: of a subscription that was there before nothing retained is sent; or never. */
const ONLY_WHEN_NEW = 1;
const NEVER = 2;

/** The broker was there and closed the connection. */
const HUNG_UP: readonly unknown[] = ['ECONNRESET', 'EPIPE'];

/**
 * One connection to the broker: dialled → refused or accepted → ended. With `dial.ts` and `probe.ts` all that knows the
 * MQTT client, of which it takes the acknowledgements over.
 */
export class Connection {
  #connack: IConnackPacket | undefined;
  #session: Session | undefined;
  #fault: (Error & { readonly code?: unknown }) | undefined;
  /** Resolves when it has ended, or could not be made. */
  readonly ended: Promise<void>;
  /** Of those that publish. Each has a promise of its own: `ended` would keep whatever was raced against it. */
  readonly #onEnd = new Set<() => void>();

  constructor(
    private readonly client: MqttClient,
    private readonly parts: ConnectionParts,
  ) {
    // Set here, for the client would take it from its options for MQTT 5 alone. QoS 1 and 2 come by it, QoS 0 by the other.
    client.options.customHandleAcks = (_topic, _payload, packet: IPublishPacket, done) =>
      this.#onMessage(packet, () => done(LATER));
    client.handleMessage = (packet, done) => this.#onMessage(packet, done);
    client.on('packetreceive', (packet) => {
      // Before 'connect': messages may come with the same bytes.
      if (packet.cmd === 'connack') this.#onConnack(packet);
      if (packet.cmd === 'pubrel' && packet.messageId) this.#session?.released(packet.messageId);
    });
    client.on('connect', ({ sessionPresent }) => parts.onConnected(sessionPresent));
    client.on('error', (error) => {
      if (error !== LATER) this.#fault = error;
    });
    this.ended = new Promise((resolve) => {
      client.once('close', () => {
        this.#session?.end();
        resolve();
        for (const end of this.#onEnd) end();
      });
    });
  }

  get isOpen(): boolean {
    return this.client.connected;
  }
  /** Absent while the broker has not accepted it. */
  get session(): Session | undefined {
    return this.#session;
  }
  /** The broker's answer, whatever it was. */
  get connack(): IConnackPacket | undefined {
    return this.#connack;
  }
  /** Why it ended; absent when the other side just closed it. */
  get fault(): Error | undefined {
    return this.#fault;
  }
  get address() {
    const { host, port } = this.client.options;
    return { host, port };
  }

  /** @returns the code with which the broker refused it; `undefined` when it hung up; `none` when it did neither */
  get refusal(): number | undefined | 'none' {
    if (this.#connack) return codeOf(this.#connack);
    return !this.#fault || HUNG_UP.includes(this.#fault.code) ? undefined : 'none';
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
      this.client.subscribe([...filters], options, (error, _, packet) => {
        // MQTT 3.1.1, clause 3.9.3: one code for each filter, in order; 0x80 and above is a no.
        const codes =
          packet?.granted ?? (error as { packet?: { granted: number[] } } | null)?.packet?.granted;
        if (codes) resolve(codes.map((code) => Number(code) < 0x80));
        else reject(error ?? new Error('the broker did not say what it granted'));
      });
    });
  }

  async unsubscribe(filters: readonly string[]): Promise<void> {
    await this.client.unsubscribeAsync([...filters]);
  }

  /** Resolves when the broker has it (QoS 1), or it is written (QoS 0), or the connection has ended. */
  async publish(topic: string, payload: Buffer, options: IClientPublishOptions): Promise<void> {
    const over = Promise.withResolvers<void>();
    this.#onEnd.add(over.resolve);
    // Whoever comes too late is not told by the client.
    if (!this.isOpen) void this.ended.then(over.resolve);
    await Promise.race([this.client.publishAsync(topic, payload, options), over.promise]).finally(() =>
      this.#onEnd.delete(over.resolve),
    );
  }

  /** Parts from the broker after all that was written. */
  async close(): Promise<void> {
    const limit = setTimeout(() => this.cut(), CLOSE_LIMIT_MS);
    await this.client.endAsync(!this.client.connected);
    clearTimeout(limit);
  }

  /** At once and without a word. */
  cut(): void {
    this.client.stream.destroy();
  }

  #onConnack(connack: IConnackPacket): void {
    this.#connack = connack;
    if (codeOf(connack) !== 0) return;
    const { version, isOurs, unfinished } = this.parts;
    const session = { send: this.#sender(), isBounded: version === 5, isOurs };
    this.#session = new Session(session, connack.sessionPresent ? unfinished : undefined);
  }

  /** The client keeps this to itself. It writes at once while connected, and a session says nothing after its end. */
  #sender(): (kind: Acknowledgement, messageId: number) => void {
    const { _sendPacket } = this.client as unknown as {
      _sendPacket(packet: { cmd: Acknowledgement; messageId: number; reasonCode: number }): void;
    };
    return (cmd, messageId) => _sendPacket.call(this.client, { cmd, messageId, reasonCode: 0 });
  }

  #onMessage(packet: IPublishPacket, goOn: () => void): void {
    const wait = this.#session && this.parts.onMessage(incomingOf(packet), this.#session);
    if (wait) void wait.then(goOn);
    else goOn();
  }
}
