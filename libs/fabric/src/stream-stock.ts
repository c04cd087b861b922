import type { HeaderMap } from '#contracts';

/** A message as it stands in a stream. */
export interface StockMessage extends StockHead {
  readonly body: Uint8Array;
}

/** What is known of a message without its body. */
export interface StockHead {
  /** Place in the stream. */
  readonly seq: number;
  readonly subject: string;
  /** Names in lower case, the first value of each; empty where the publisher sent none. */
  readonly headers: HeaderMap;
  /** When the stream took it, ms since 1970. */
  readonly storedAt: number;
  /** Bytes of its body. */
  readonly size: number;
}

export interface StockState {
  readonly messages: number;
  readonly bytes: number;
  /** Bytes at which it is full. */
  readonly maxBytes: number;
  /** Places of the first and the last message; the first is behind the last where there is none. */
  readonly first: number;
  readonly last: number;
  /** When the first was taken, ms since 1970. */
  readonly oldestAt: number;
}

/**
 * What stands in a stream, looked at and put right by the registry. Nothing here takes a message out of anybody's hands
 * but {@link remove}.
 * @throws MeshError `not-connected` from each
 */
export interface StreamStock {
  state(): Promise<StockState>;
  /** Messages of each subject below a wildcard. */
  subjects(filter: string): Promise<Map<string, number>>;
  get(seq: number): Promise<StockMessage | undefined>;
  /** The first message of this subject, or of these by wildcard, at that place or after it. */
  next(subject: string, from: number): Promise<StockMessage | undefined>;
  /** Heads in order, from one place to another, both included. Not for a workqueue. */
  heads(filter: string, from: number, to: number): AsyncIterable<StockHead>;
  /** @returns whether it was there */
  remove(seq: number): Promise<boolean>;
  /** Removes all of a subject. @returns how many there were */
  purge(subject: string): Promise<number>;
}
