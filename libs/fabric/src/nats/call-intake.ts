import type { Msg, NatsConnection } from '@nats-io/transport-node';
import { type ControlPath, callSubject, EXECUTOR_QUEUE, MeshError } from '#contracts';
import type { CallIntake, IncomingCall, ServedPath } from '../call-intake.js';
import type { Connection } from '../connection.js';
import type { NatsMeshConnection } from './connect.js';
import { asClientHeaders, headerBlock } from './raw-message.js';

class NatsCall implements IncomingCall {
  readonly #nc: NatsConnection;
  readonly #message: Msg;

  constructor(
    nc: NatsConnection,
    message: Msg,
    readonly path: ControlPath,
  ) {
    this.#nc = nc;
    this.#message = message;
  }
  get headers(): Uint8Array | undefined {
    return headerBlock(this.#message);
  }
  get body(): Uint8Array {
    return this.#message.data;
  }
  get expectsReply(): boolean {
    return Boolean(this.#message.reply);
  }
  get acceptsStream(): boolean {
    return false;
  }
  replyStream(): Promise<void> {
    return Promise.reject(new MeshError('internal'));
  }
  reply(headers: Uint8Array, body: Uint8Array): void {
    const { reply } = this.#message;
    if (reply) this.#nc.publish(reply, body, { headers: asClientHeaders(headers) });
  }
}

/** A subscription a path makes 404 and 503 exact: the server itself knows whether anyone serves a path. */
export function createCallIntake(connection: Connection): CallIntake {
  const { nc } = connection as NatsMeshConnection;
  return {
    serve(path: ControlPath, onCall: (call: IncomingCall) => void): ServedPath {
      const subscription = nc.subscribe(callSubject(path), {
        queue: EXECUTOR_QUEUE,
        callback: (error, message) => {
          if (!error) onCall(new NatsCall(nc, message, path));
        },
      });
      return { drain: () => (nc.isClosed() ? Promise.resolve() : subscription.drain()) };
    },
  };
}
