import type { Msg } from '@nats-io/transport-node';
import {
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
import { headerBlock } from './raw-message.js';
import { Requests } from './requests.js';

const NO_RESPONDERS = 503;

class NatsInvoker implements Invoker {
  readonly #requests: Requests;

  constructor(connection: NatsMeshConnection) {
    this.#requests = new Requests(connection);
  }

  get inFlight(): number {
    return this.#requests.inFlight;
  }

  invoke(
    path: ControlPath,
    event: EventEnvelope,
    body: Uint8Array | AsyncIterable<Uint8Array>,
  ): Promise<CallReply> {
    if (!(body instanceof Uint8Array)) return Promise.reject(new MeshError('internal'));
    let headers: Uint8Array;
    try {
      headers = encodeEvent(event);
    } catch (error) {
      return Promise.reject(error);
    }
    return this.#requests.request(
      callSubject(path),
      headers,
      body,
      event.timeout ?? DEFAULT_TIMEOUT_MS,
      readReply,
    );
  }

  idle(): Promise<void> {
    return this.#requests.idle();
  }
}

function readReply(message: Msg): CallReply {
  const block = headerBlock(message);
  if (!block) throw new MeshError('internal', undefined, { cause: new Error('a reply without headers') });
  if (statusOf(block) === NO_RESPONDERS) throw new MeshError('no-executor');
  return { result: decodeResult(decodeHeaders(block)), body: message.data };
}

export function createInvoker(connection: Connection): Invoker {
  return new NatsInvoker(connection as NatsMeshConnection);
}
