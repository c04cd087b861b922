import type { ControlPath } from '#contracts';

/** A call that arrived, not yet decoded: whoever runs the handler decides where that work is done. */
export interface IncomingCall {
  readonly path: ControlPath;
  /** NATS header block as received; absent for a plain caller that sent none. */
  readonly headers: Uint8Array | undefined;
  /** A view into a larger buffer: copy it before handing it to another thread. */
  readonly body: Uint8Array;
  /** False when the caller gave no reply subject, so that nobody waits. */
  readonly expectsReply: boolean;
  /** The caller takes answers in pieces. */
  readonly acceptsStream: boolean;
  /**
   * What follows `body`, where the request came in pieces; absent: `body` is all. Taking a piece asks for more,
   * `return()` says that the rest is not wanted.
   * @throws MeshError `client-gone`, `broken-off`
   */
  readonly rest?: AsyncIterable<Uint8Array>;
  /** @param headers an encoded header block */
  reply(headers: Uint8Array, body: Uint8Array): void;
  /**
   * Sends the headers at once, then each piece when the caller has room for it. Only where `acceptsStream`.
   * Resolves when the caller has it all. What the pieces throw, the caller is told.
   * @throws MeshError `client-gone` (the caller wants no more), `broken-off` (nothing is heard of it any more),
   *   `not-connected`; else what the pieces threw
   */
  replyStream(headers: Uint8Array, pieces: AsyncIterable<Uint8Array>): Promise<void>;
}

/** Takes calls of a path, shared with the other executors in one queue group. */
export interface CallIntake {
  serve(path: ControlPath, onCall: (call: IncomingCall) => void): ServedPath;
}

export interface ServedPath {
  /** Takes no new calls; resolves when the server has handed over the last one that it had routed here. */
  drain(): Promise<void>;
}
