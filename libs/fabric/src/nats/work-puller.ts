import {
  createInbox,
  type Msg,
  type NatsConnection,
  nanos,
  type Subscription,
} from '@nats-io/transport-node';
import { decodeHeaders, statusOf } from '#contracts';
import type { Connection } from '../connection.js';
import type { WorkItem, WorkPuller } from '../work-queue.js';
import { Acks } from './acks.js';
import type { NatsMeshConnection } from './connect.js';
import { headerBlock } from './raw-message.js';

/** How long the server keeps a request for messages, ms. */
const EXPIRES_MS = 30_000;
/** How often it then says that it is still there, ms; after two of them without a word the request is lost. */
const HEARTBEAT_MS = 5_000;
/** Before it is asked again after a refusal, ms. */
const FIRST_WAIT_MS = 100;
const MOST_WAIT_MS = 2_000;

/** Status codes of a pull (ADR-13 of NATS). */
const HEARTBEAT = 100;
const NO_MESSAGES = 404;
const EXPIRED = 408;

export interface PullerOptions {
  readonly stream: string;
  readonly consumer: string;
  /** So many are asked for at once, unless nothing is outstanding: each request costs as much as a message. */
  readonly batch: number;
  readonly onItem: (item: WorkItem) => void;
  /** For what the server had sent before it heard of the stop; absent: it goes back at once. */
  readonly onLate?: (item: WorkItem) => void;
}

const goesBack = (item: WorkItem): void => item.later(0);

/**
 * Asks one consumer for messages.
 *
 * Invariants: `wanted` and what is outstanding together are what the caller asked for and did not get; a request that
 * the server has ended, or forgotten with the connection, is asked anew; a message that comes after its request was
 * given up is handed on all the same, since it would be missing until its time limit otherwise.
 */
class NatsWorkPuller implements WorkPuller {
  readonly #connection: NatsMeshConnection;
  readonly #options: PullerOptions;
  readonly #acks: Acks;
  readonly #inbox: string;
  readonly #subscription: Subscription;
  readonly #watchdog: NodeJS.Timeout;
  /** Not sent yet. */
  #wanted = 0;
  /** Sent, and not come. The server serves several requests in turns and says only at their end what each had left. */
  #asked = 0;
  /** Requests of an earlier one are forgotten: what the server says of them is, too. */
  #epoch = 0;
  #isOpen = false;
  #lastWord = 0;
  #waitMs = FIRST_WAIT_MS;
  #pause: NodeJS.Timeout | undefined;
  #stopping: Promise<void> | undefined;

  constructor(connection: NatsMeshConnection, options: PullerOptions) {
    this.#connection = connection;
    this.#options = options;
    this.#acks = new Acks(connection);
    this.#inbox = `${createInbox(connection.inboxPrefix)}.`;
    this.#subscription = connection.nc.subscribe(`${this.#inbox}*`, {
      callback: (error, message) => {
        if (!error) this.#onMessage(message);
      },
    });
    connection.onStatus(() => this.#restart());
    this.#watchdog = setInterval(() => this.#watch(), HEARTBEAT_MS);
  }

  get outstanding(): number {
    return this.#wanted + this.#asked;
  }
  get isOpen(): boolean {
    return this.#isOpen && this.#connection.connected;
  }

  pull(count: number): void {
    this.#wanted += count;
    this.#ask();
  }

  stop(): Promise<void> {
    this.#stopping ??= this.#stop();
    return this.#stopping;
  }

  async #stop(): Promise<void> {
    clearInterval(this.#watchdog);
    clearTimeout(this.#pause);
    this.#wanted = 0;
    this.#asked = 0;
    const { nc, connected } = this.#connection;
    // The server forgets the requests with the subscription; what it had sent before still comes.
    if (connected && !nc.isClosed()) await this.#subscription.drain();
    else this.#subscription.unsubscribe();
  }

  #ask(): void {
    if (this.#stopping || this.#pause || !this.#connection.connected || this.#wanted === 0) return;
    if (this.#wanted < this.#options.batch && this.#asked > 0) return;
    if (this.#asked === 0) this.#lastWord = Date.now();
    const { stream, consumer } = this.#options;
    const body = { batch: this.#wanted, expires: nanos(EXPIRES_MS), idle_heartbeat: nanos(HEARTBEAT_MS) };
    this.#asked += this.#wanted;
    this.#wanted = 0;
    this.#connection.nc.publish(`$JS.API.CONSUMER.MSG.NEXT.${stream}.${consumer}`, JSON.stringify(body), {
      reply: `${this.#inbox}${this.#epoch}`,
    });
  }

  /** A message comes under its own subject, with a reply subject; what the server says of a request, under ours. */
  #onMessage(message: Msg): void {
    this.#lastWord = Date.now();
    const block = headerBlock(message);
    if (message.reply) this.#onItem(message, message.reply, block);
    else if (block && message.subject === this.#inbox + this.#epoch) this.#onStatus(block);
  }

  #onItem(message: Msg, reply: string, headers: Uint8Array | undefined): void {
    this.#opened();
    if (this.#asked > 0) this.#asked--;
    const item = new NatsWorkItem(message, reply, headers, this.#connection, this.#acks);
    const { onItem, onLate = goesBack } = this.#options;
    (this.#stopping ? onLate : onItem)(item);
    if (this.#asked === 0) this.#ask();
  }

  /** Everything but a heartbeat ends a request; what it still had is wanted again. */
  #onStatus(block: Uint8Array): void {
    const status = statusOf(block);
    if (status === HEARTBEAT) return this.#opened();
    const left = Number(decodeHeaders(block)['nats-pending-messages'] ?? this.#asked);
    const back = Math.min(left, this.#asked);
    this.#asked -= back;
    this.#wanted += back;
    if (status === EXPIRED || status === NO_MESSAGES) {
      this.#opened();
      this.#ask();
    } else this.#refused();
  }

  #opened(): void {
    this.#isOpen = true;
    this.#waitMs = FIRST_WAIT_MS;
  }

  /** There is no such consumer (503), it was removed, or the server goes down (409): worth asking again. */
  #refused(): void {
    this.#isOpen = false;
    if (this.#pause || this.#stopping) return;
    this.#pause = setTimeout(() => {
      this.#pause = undefined;
      this.#ask();
    }, this.#waitMs);
    this.#waitMs = Math.min(this.#waitMs * 2, MOST_WAIT_MS);
  }

  #watch(): void {
    if (this.#asked > 0 && Date.now() - this.#lastWord > 2 * HEARTBEAT_MS) this.#restart();
  }

  /** The server has forgotten every request with the connection, or does not answer. */
  #restart(): void {
    this.#epoch++;
    this.#wanted += this.#asked;
    this.#asked = 0;
    this.#ask();
  }
}

class NatsWorkItem implements WorkItem {
  readonly deliveries: number;
  readonly seq: number;
  readonly storedAt: number;
  readonly #nc: NatsConnection;

  constructor(
    private readonly message: Msg,
    private readonly reply: string,
    readonly headers: Uint8Array | undefined,
    connection: NatsMeshConnection,
    private readonly acks: Acks,
  ) {
    this.#nc = connection.nc;
    [this.deliveries, this.seq, this.storedAt] = readReply(reply);
  }

  get subject(): string {
    return this.message.subject;
  }
  get body(): Uint8Array {
    return this.message.data;
  }

  done(): Promise<void> {
    return this.acks.send(this.reply);
  }

  later(delayMs: number): void {
    this.#send(delayMs > 0 ? `-NAK {"delay":${Math.round(delayMs * 1e6)}}` : '-NAK');
  }

  working(): void {
    this.#send('+WPI');
  }

  /** Without a server it is delivered again anyway. */
  #send(text: string): void {
    if (!this.#nc.isClosed()) this.#nc.publish(this.reply, text);
  }
}

/** `$JS.ACK.<stream>.<consumer>.<delivered>.<seq>.<consumer seq>.<time>.<pending>`; newer servers put domain and account before the stream. */
function readReply(reply: string): [deliveries: number, seq: number, storedAt: number] {
  const tokens = reply.split('.');
  const at = tokens.length < 11 ? 4 : 6;
  return [Number(tokens[at]), Number(tokens[at + 1]), Number(tokens[at + 3]) / 1e6];
}

export function openWorkPuller(connection: Connection, options: PullerOptions): WorkPuller {
  return new NatsWorkPuller(connection as NatsMeshConnection, options);
}
