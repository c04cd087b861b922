import type { Msg } from '@nats-io/transport-node';
import { type ControlPath, callSubject, EXECUTOR_QUEUE, MeshError } from '#contracts';
import type { CallIntake, IncomingCall, ServedPath } from '../call-intake.js';
import type { Connection } from '../connection.js';
import { BodyPieces } from './body-pieces.js';
import type { NatsMeshConnection } from './connect.js';
import { asClientHeaders, headerBlock } from './raw-message.js';
import { bodyFollows, takesStreams } from './reply-marks.js';
import { StreamEnds } from './stream-ends.js';

class NatsCall implements IncomingCall {
  readonly #ends: StreamEnds;
  readonly #connection: NatsMeshConnection;
  readonly #message: Msg;
  #rest: BodyPieces | undefined;

  constructor(
    connection: NatsMeshConnection,
    ends: StreamEnds,
    message: Msg,
    readonly path: ControlPath,
  ) {
    this.#connection = connection;
    this.#ends = ends;
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
    const { reply } = this.#message;
    return reply !== undefined && takesStreams(reply);
  }
  get rest(): AsyncIterable<Uint8Array> | undefined {
    const { reply } = this.#message;
    if (reply === undefined || !bodyFollows(reply)) return undefined;
    this.#rest ??= new BodyPieces(this.#ends, reply);
    return this.#rest;
  }
  reply(headers: Uint8Array, body: Uint8Array): void {
    const { reply } = this.#message;
    if (reply) this.#connection.nc.publish(reply, body, { headers: asClientHeaders(headers) });
    this.#rest?.close();
  }
  async replyStream(headers: Uint8Array, pieces: AsyncIterable<Uint8Array>): Promise<void> {
    const { reply } = this.#message;
    if (!reply || !this.acceptsStream)
      throw new MeshError('internal', undefined, { cause: new Error('its caller takes no pieces') });
    try {
      await this.#ends.answer(reply, headers, pieces);
    } finally {
      this.#rest?.close();
    }
  }
}

/** A subscription a path makes 404 and 503 exact: the server itself knows whether anyone serves a path. */
export function createCallIntake(connection: Connection): CallIntake {
  const mesh = connection as NatsMeshConnection;
  const { nc } = mesh;
  const ends = new StreamEnds(mesh).listen();
  return {
    serve(path: ControlPath, onCall: (call: IncomingCall) => void): ServedPath {
      const subscription = nc.subscribe(callSubject(path), {
        queue: EXECUTOR_QUEUE,
        callback: (error, message) => {
          if (!error) onCall(new NatsCall(mesh, ends, message, path));
        },
      });
      return { drain: () => (nc.isClosed() ? Promise.resolve() : subscription.drain()) };
    },
  };
}
