import { randomBytes } from 'node:crypto';
import type { Msg } from '@nats-io/transport-node';
import { asMeshError, decodeHeaders, MeshError, streamSubject } from '#contracts';
import type { NatsMeshConnection } from './connect.js';
import {
  CREDIT_HEADER,
  type Credit,
  decodeCredit,
  decodePiece,
  encodeCredit,
  PIECE_HEADER,
  WINDOW_BYTES,
} from './piece.js';
import { PieceReceiver } from './piece-receiver.js';
import { PieceSender } from './piece-sender.js';
import { type Beating, Pulse } from './pulse.js';
import { asClientHeaders, headerBlock } from './raw-message.js';

const NO_BYTES = new Uint8Array(0);
/** Nobody but who is told may find a stream's subject: 128 bits. */
const randomName = (): string => randomBytes(16).toString('base64url');

export type Listener = (message: Msg) => void;

/**
 * The ends of streams at this side of a connection. What they say goes out through here, and only while connected: a
 * client that reconnects would send it later, into a gap.
 */
export class StreamEnds {
  readonly #pulse = new Pulse();
  readonly #listeners = new Map<string, Listener>();
  readonly #connection: NatsMeshConnection;
  readonly #name = randomName();

  constructor(connection: NatsMeshConnection) {
    this.#connection = connection;
    connection.onStatus((connected) => {
      if (!connected) this.#pulse.breakAll(new MeshError('not-connected'));
    });
  }

  /** From now on, {@link open} can be used: for who may hear `mesh.stream`. */
  listen(): this {
    this.#connection.nc.subscribe(streamSubject(this.#name, '*'), {
      callback: (error, message) => {
        if (!error) this.#listeners.get(message.subject)?.(message);
      },
    });
    return this;
  }

  /** A subject of this side's own. */
  open(listener: Listener): { readonly subject: string; close(): void } {
    const subject = streamSubject(this.#name, randomName());
    this.#listeners.set(subject, listener);
    return { subject, close: () => void this.#listeners.delete(subject) };
  }

  /**
   * Sends the head of an answer, then its pieces.
   * @throws MeshError as {@link PieceSender.run} does
   */
  async answer(to: string, head: Uint8Array, pieces: AsyncIterable<Uint8Array>): Promise<void> {
    const sender = this.sender(to, WINDOW_BYTES);
    const end = this.open((message) => heedCredit(sender, message));
    try {
      this.publish(to, head, NO_BYTES, end.subject);
      await this.follow(sender, pieces);
    } catch (error) {
      sender.break(asMeshError(error));
      throw error;
    } finally {
      end.close();
    }
  }

  /** @param credit what the other end has room for without being asked */
  sender(to: string, credit: number): PieceSender {
    return new PieceSender((headers, body) => this.publish(to, headers, body), credit);
  }

  /** Runs a sender for as long as it has something to send. */
  async follow(sender: PieceSender, pieces: AsyncIterable<Uint8Array>): Promise<void> {
    const rest = this.#pulse.add(sender);
    try {
      await sender.run(pieces);
    } finally {
      rest();
    }
  }

  /**
   * A receiver that gives its credit at `to`.
   * @param replyTo where the pieces are to be sent, if the sender does not know
   */
  receiver(to: string, leave: () => void, replyTo?: string): PieceReceiver {
    const say = (credit: Credit) => this.publish(to, encodeCredit(credit), NO_BYTES, replyTo);
    const receiver: PieceReceiver = new PieceReceiver(say, () => {
      rest();
      leave();
    });
    const rest = this.#pulse.add(receiver);
    return receiver;
  }

  /** @throws MeshError `not-connected` */
  publish(subject: string, headers: Uint8Array, body: Uint8Array, reply?: string): void {
    const { connected, nc } = this.#connection;
    if (!connected) throw new MeshError('not-connected');
    const options = { headers: asClientHeaders(headers) };
    nc.publish(subject, body, reply === undefined ? options : { ...options, reply });
  }
}

/** What a message says to the sender of a stream; what says nothing to it is passed over. */
export function heedCredit(sender: PieceSender, message: Msg): void {
  const text = headerOf(message, CREDIT_HEADER);
  if (text !== undefined) heed(sender, () => sender.accept(decodeCredit(text)));
}

/** What a message says to the receiver of a stream. */
export function heedPiece(receiver: PieceReceiver, message: Msg): void {
  const text = headerOf(message, PIECE_HEADER);
  if (text !== undefined) heed(receiver, () => receiver.accept(decodePiece(text), message.data));
}

function heed(end: Beating, accept: () => void): void {
  try {
    accept();
  } catch (error) {
    end.break(asMeshError(error));
  }
}

function headerOf(message: Msg, name: string): string | undefined {
  const block = headerBlock(message);
  return block && decodeHeaders(block)[name];
}
