import type { ControlPath } from '#contracts';

/** What the stream says of what it took. */
export interface Accepted {
  /** Place in the stream. */
  readonly seq: number;
  /** The stream had it already, under the same `Nats-Msg-Id`. */
  readonly duplicate: boolean;
}

/** Puts messages into the streams of the mesh. Each promise resolves when the stream has the message on file. */
export interface StreamWriter {
  /** Messages that wait for their stream's answer. */
  readonly inFlight: number;
  /**
   * @param headers an encoded block; with `Nats-Msg-Id` the same message sent again is kept once
   * @throws MeshError `not-connected`: it is not certain to be kept, send it again under the same id; `queue-full`:
   *   the stream, or the share of it that this subject has, is full; `payload-too-large`; `not-found`: there is no
   *   such stream, since no registry was ever there to make it
   */
  write(subject: string, headers: Uint8Array, body: Uint8Array): Promise<Accepted>;
  /** Resolves when nothing waits any more. */
  idle(): Promise<void>;
}

/** Puts work before the executors. */
export interface WorkPublisher {
  readonly inFlight: number;
  /** @param headers of {@link encodeWork}. @throws MeshError as {@link StreamWriter.write} does */
  publish(path: ControlPath, headers: Uint8Array, body: Uint8Array): Promise<Accepted>;
  idle(): Promise<void>;
}

/** One message of a workqueue, in the hands of this process until one of its ends is called. */
export interface WorkItem {
  readonly subject: string;
  /** NATS header block as received; absent where the publisher sent none. */
  readonly headers: Uint8Array | undefined;
  /** A view into a larger buffer: copy it before handing it to another thread. */
  readonly body: Uint8Array;
  /** How often it was delivered, this time included. */
  readonly deliveries: number;
  /** Place in the stream. */
  readonly seq: number;
  /** When the stream took it, ms since 1970. */
  readonly storedAt: number;
  /** It is done. Resolves when the server has heard of it; rejects with `not-connected` where that is not certain. */
  done(): Promise<void>;
  /** Deliver it again, after so many ms. Where the server does not hear of it, its time limit does the same. */
  later(delayMs: number): void;
  /** It is still being worked on: its time limit begins anew. */
  working(): void;
}

/** Takes messages from one consumer of a workqueue, as many as are asked for. */
export interface WorkPuller {
  /** Messages that were asked for and have not come. */
  readonly outstanding: number;
  /** Whether the consumer is there and answers. */
  readonly isOpen: boolean;
  /** Asks for so many more. */
  pull(count: number): void;
  /**
   * Asks for no more; resolves when what was asked for has come or will not come any more. What comes late goes back
   * by its time limit.
   */
  stop(): Promise<void>;
}

/** Core publish with headers: who listens gets it, nobody waits. Dropped while not connected. */
export type Send = (subject: string, headers: Uint8Array, body: Uint8Array) => void;
