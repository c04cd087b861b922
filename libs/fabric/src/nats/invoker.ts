import type { Msg } from '@nats-io/transport-node';
import {
  type ControlPath,
  callSubject,
  DEFAULT_TIMEOUT_MS,
  type EventEnvelope,
  encodeEvent,
} from '#contracts';
import type { Connection } from '../connection.js';
import type { CallReply, Invoker, InvokerOptions } from '../invoker.js';
import type { NatsMeshConnection } from './connect.js';
import type { PieceReceiver } from './piece-receiver.js';
import { readReply } from './read-reply.js';
import { Requests } from './requests.js';
import { heedPiece, StreamEnds } from './stream-ends.js';
import { StreamedCall } from './streamed-call.js';

class NatsInvoker implements Invoker {
  readonly #requests: Requests;
  readonly #ends: StreamEnds;

  constructor(connection: NatsMeshConnection, { takesStreams = false }: InvokerOptions) {
    this.#requests = new Requests(connection, takesStreams);
    this.#ends = new StreamEnds(connection);
  }

  get inFlight(): number {
    return this.#requests.inFlight;
  }

  invoke(
    path: ControlPath,
    event: EventEnvelope,
    body: Uint8Array | AsyncIterable<Uint8Array>,
  ): Promise<CallReply> {
    let headers: Uint8Array;
    try {
      headers = encodeEvent(event);
    } catch (error) {
      return Promise.reject(error);
    }
    const subject = callSubject(path);
    const limit = event.timeout ?? DEFAULT_TIMEOUT_MS;
    if (body instanceof Uint8Array) return this.#requests.request(subject, headers, body, limit, this.#read);
    return new StreamedCall(this.#requests, this.#ends, body).run(subject, headers, limit);
  }

  idle(): Promise<void> {
    return this.#requests.idle();
  }

  // Where a reply names a subject of its own, pieces follow, and that is where their credit goes.
  readonly #read = (message: Msg): CallReply => {
    const reply = readReply(message);
    return message.reply ? { ...reply, rest: this.#receive(message.subject, message.reply) } : reply;
  };

  #receive(subject: string, sender: string): PieceReceiver {
    const receiver = this.#ends.receiver(sender, () => unfollow());
    const unfollow = this.#requests.follow(subject, (message) => heedPiece(receiver, message));
    return receiver;
  }
}

export function createInvoker(connection: Connection, options: InvokerOptions = {}): Invoker {
  return new NatsInvoker(connection as NatsMeshConnection, options);
}
