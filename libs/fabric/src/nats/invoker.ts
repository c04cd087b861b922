import { createInbox, type Msg } from '@nats-io/transport-node';
import {
  asMeshError,
  type ControlPath,
  callSubject,
  DEFAULT_TIMEOUT_MS,
  decodeHeaders,
  decodeResult,
  type EventEnvelope,
  encodeEvent,
  MeshError,
  statusOf,
} from '#contracts';
import type { Connection } from '../connection.js';
import type { CallReply, Invoker } from '../invoker.js';
import type { NatsMeshConnection } from './connect.js';
import { asClientHeaders, headerBlock } from './raw-message.js';
import { WaitTable } from './wait-table.js';

interface Waiter {
  resolve(reply: CallReply): void;
  reject(error: MeshError): void;
  timer: NodeJS.Timeout | undefined;
}

/** A call that goes out at the end of this turn. */
interface Unsent {
  readonly token: string;
  readonly path: ControlPath;
  readonly headers: Uint8Array;
  readonly body: Uint8Array;
}

const NO_RESPONDERS = 503;

/**
 * One wildcard subscription receives every reply, and a table says who waits for which. The client's own
 * `request()` costs twice as much.
 *
 * Invariants: a waiter is in the table exactly until it is settled; a reply that nobody waits for any more
 * (late, or a second one) is dropped.
 */
class NatsInvoker implements Invoker {
  readonly #connection: NatsMeshConnection;
  readonly #waiting = new WaitTable<Waiter>();
  #unsent: Unsent[] = [];
  readonly #inbox: string;
  #idle: (() => void)[] = [];

  constructor(connection: NatsMeshConnection) {
    this.#connection = connection;
    this.#inbox = `${createInbox(connection.inboxPrefix)}.`;
    connection.nc.subscribe(`${this.#inbox}*`, {
      callback: (error, message) => {
        if (!error) this.#onReply(message);
      },
    });
  }

  get inFlight(): number {
    return this.#waiting.size;
  }

  invoke(path: ControlPath, event: EventEnvelope, body: Uint8Array): Promise<CallReply> {
    const { connected, maxBody } = this.#connection;
    if (!connected) return Promise.reject(new MeshError('not-connected'));
    if (body.length > maxBody)
      return Promise.reject(new MeshError('payload-too-large', `At most ${maxBody} bytes are accepted.`));
    return new Promise((resolve, reject) => {
      // In here, so that an event which no header can carry rejects.
      const headers = encodeEvent(event);
      const waiter: Waiter = { resolve, reject, timer: undefined };
      const token = this.#waiting.add(waiter);
      waiter.timer = setTimeout(
        () => this.#settle(token)?.reject(new MeshError('deadline-exceeded')),
        event.timeout ?? DEFAULT_TIMEOUT_MS,
      );
      if (this.#unsent.push({ token, path, headers, body }) === 1) setImmediate(() => this.#sendAll());
    });
  }

  idle(): Promise<void> {
    if (this.#waiting.size === 0) return Promise.resolve();
    return new Promise((resolve) => this.#idle.push(resolve));
  }

  /** Each socket that had a request brought it in a callback of its own; this comes after the last of a turn. */
  #sendAll(): void {
    const unsent = this.#unsent;
    this.#unsent = [];
    for (const call of unsent) if (this.#waiting.has(call.token)) this.#send(call);
  }

  #send({ token, path, headers, body }: Unsent): void {
    const { connected, nc } = this.#connection;
    try {
      if (!connected) throw new Error('the connection was lost in this turn');
      nc.publish(callSubject(path), body, {
        reply: this.#inbox + token,
        headers: asClientHeaders(headers),
      });
    } catch (error) {
      this.#settle(token)?.reject(publishFault(error, headers.length));
    }
  }

  #onReply(message: Msg): void {
    const waiter = this.#settle(message.subject.slice(this.#inbox.length));
    if (!waiter) return;
    try {
      waiter.resolve(readReply(message));
    } catch (error) {
      waiter.reject(asMeshError(error));
    }
  }

  /** Takes a waiter out of the table; `undefined` when nobody waits under this token any more. */
  #settle(token: string): Waiter | undefined {
    const waiter = this.#waiting.take(token);
    if (!waiter) return undefined;
    clearTimeout(waiter.timer);
    if (this.#waiting.size === 0) for (const resolve of this.#idle.splice(0)) resolve();
    return waiter;
  }
}

function readReply(message: Msg): CallReply {
  const block = headerBlock(message);
  if (!block) throw new MeshError('internal', undefined, { cause: new Error('a reply without headers') });
  if (statusOf(block) === NO_RESPONDERS) throw new MeshError('no-executor');
  return { result: decodeResult(decodeHeaders(block)), body: message.data };
}

function publishFault(error: unknown, headerBytes: number): MeshError {
  const tooLarge = error instanceof Error && error.message.includes('max_payload');
  if (tooLarge) return new MeshError('payload-too-large', `The headers alone take ${headerBytes} bytes.`);
  return new MeshError('not-connected', undefined, { cause: error });
}

export function createInvoker(connection: Connection): Invoker {
  return new NatsInvoker(connection as NatsMeshConnection);
}
