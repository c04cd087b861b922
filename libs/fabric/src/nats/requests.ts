import type { Msg } from '@nats-io/transport-node';
import { asMeshError, MeshError } from '#contracts';
import { type Deadline, Deadlines } from '../deadlines.js';
import type { NatsMeshConnection } from './connect.js';
import { asClientHeaders } from './raw-message.js';
import { bodyFollowsToken, makeInbox } from './reply-marks.js';
import { WaitTable } from './wait-table.js';

/** Thousands may wait at once, so that each keeps as little as can be. */
class Waiter<T = unknown> {
  deadline: Deadline | undefined;

  /** @param read makes the value of the reply, or throws */
  constructor(
    private readonly read: (reply: Msg) => T,
    private readonly resolve: (value: T) => void,
    readonly reject: (error: MeshError) => void,
  ) {}

  settle(reply: Msg): void {
    try {
      this.resolve(this.read(reply));
    } catch (error) {
      this.reject(asMeshError(error));
    }
  }
}

/** A request that goes out at the end of this turn. */
interface Unsent {
  readonly token: string;
  readonly subject: string;
  readonly headers: Uint8Array | undefined;
  readonly body: Uint8Array;
}

/**
 * Requests and their replies. One wildcard subscription receives every reply, and a table says who waits for which.
 * The client's own `request()` costs twice as much.
 *
 * Invariants: a waiter is in the table exactly until it is settled; a reply that nobody waits for any more
 * (late, or a second one) is dropped.
 */
export class Requests {
  readonly #connection: NatsMeshConnection;
  readonly #waiting = new WaitTable<Waiter>();
  readonly #deadlines = new Deadlines();
  #unsent: Unsent[] = [];
  readonly #inbox: string;
  /** By reply subject, who hears more than one message. */
  readonly #followed = new Map<string, (message: Msg) => void>();
  #streamed = 0;
  #idle: (() => void)[] = [];

  /** @param takesStreams who answers may do so in pieces */
  constructor(connection: NatsMeshConnection, takesStreams = false) {
    this.#connection = connection;
    this.#inbox = makeInbox(connection.inboxPrefix, takesStreams);
    connection.nc.subscribe(`${this.#inbox}*`, {
      callback: (error, message) => {
        if (error) return;
        const waiter = this.#settle(message.subject.slice(this.#inbox.length));
        if (waiter) waiter.settle(message);
        else this.#followed.get(message.subject)?.(message);
      },
    });
  }

  get inFlight(): number {
    return this.#waiting.size + this.#followed.size;
  }

  /** A reply subject for a request whose body follows in pieces. */
  streamedReply(): string {
    return this.#inbox + bodyFollowsToken(this.#streamed++);
  }

  /** Hands over what comes under a reply subject that is not an ordinary waiter's, or not any more. @returns what ends that */
  follow(subject: string, listener: (message: Msg) => void): () => void {
    this.#followed.set(subject, listener);
    return () => {
      if (this.#followed.delete(subject)) this.#restIfIdle();
    };
  }

  /** As {@link request}, but it goes out at once: for who has gathered what goes out together. */
  requestNow<T>(
    subject: string,
    headers: Uint8Array | undefined,
    body: Uint8Array,
    limitMs: number,
    read: (reply: Msg) => T,
  ): Promise<T> {
    const answer = this.request(subject, headers, body, limitMs, read);
    this.#sendAll();
    return answer;
  }

  /**
   * @param headers an encoded block
   * @param limitMs until then a reply is waited for
   * @param read makes the value of the reply, or throws
   * @throws MeshError `not-connected` (at once, nothing is buffered), `payload-too-large`, `deadline-exceeded`
   */
  request<T>(
    subject: string,
    headers: Uint8Array | undefined,
    body: Uint8Array,
    limitMs: number,
    read: (reply: Msg) => T,
  ): Promise<T> {
    const { connected, maxBody } = this.#connection;
    if (!connected) return Promise.reject(new MeshError('not-connected'));
    if (body.length > maxBody)
      return Promise.reject(new MeshError('payload-too-large', `At most ${maxBody} bytes are accepted.`));
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    const token = this.#wait(new Waiter(read, resolve, reject), limitMs);
    if (this.#unsent.push({ token, subject, headers, body }) === 1) setImmediate(() => this.#sendAll());
    return promise;
  }

  /** @returns the token under which it waits */
  #wait<T>(waiter: Waiter<T>, limitMs: number): string {
    const token = this.#waiting.add(waiter as Waiter);
    waiter.deadline = this.#deadlines.begin(limitMs, this.#passed, token);
    return token;
  }

  readonly #passed = (token: string): void => {
    this.#settle(token)?.reject(new MeshError('deadline-exceeded'));
  };

  /** Nobody waits any more: for whom a reply after a new connection would be too late. */
  rejectAll(error: MeshError): void {
    for (const { token } of this.#waiting.all()) this.#settle(token)?.reject(error);
  }

  /** Resolves when nobody waits any more. */
  idle(): Promise<void> {
    if (this.inFlight === 0) return Promise.resolve();
    return new Promise((resolve) => this.#idle.push(resolve));
  }

  /** What many callbacks of one turn asked for goes out in one write. */
  #sendAll(): void {
    const unsent = this.#unsent;
    this.#unsent = [];
    for (const request of unsent) if (this.#waiting.has(request.token)) this.#send(request);
  }

  #send({ token, subject, headers, body }: Unsent): void {
    const { connected, nc } = this.#connection;
    try {
      if (!connected) throw new Error('the connection was lost in this turn');
      const reply = this.#inbox + token;
      nc.publish(subject, body, headers ? { reply, headers: asClientHeaders(headers) } : { reply });
    } catch (error) {
      this.#settle(token)?.reject(publishFault(error, headers?.length ?? 0));
    }
  }

  /** Takes a waiter out of the table; `undefined` when nobody waits under this token any more. */
  #settle(token: string): Waiter | undefined {
    const waiter = this.#waiting.take(token);
    if (!waiter) return undefined;
    waiter.deadline?.callOff();
    if (this.#idle.length > 0) this.#restIfIdle();
    return waiter;
  }

  #restIfIdle(): void {
    if (this.inFlight === 0) for (const resolve of this.#idle.splice(0)) resolve();
  }
}

function publishFault(error: unknown, headerBytes: number): MeshError {
  const tooLarge = error instanceof Error && error.message.includes('max_payload');
  if (tooLarge) return new MeshError('payload-too-large', `The headers alone take ${headerBytes} bytes.`);
  return new MeshError('not-connected', undefined, { cause: error });
}
