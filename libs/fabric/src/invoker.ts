import type { ControlPath, EventEnvelope, ResultEnvelope } from '#contracts';

export interface CallReply {
  readonly result: ResultEnvelope;
  readonly body: Uint8Array;
  /**
   * What follows `body`, in the order in which it was sent; absent where `body` is all. Taking a piece asks for more,
   * so that a slow taker slows the handler; `return()` tells it that nobody wants the rest. Must be taken or returned.
   * @throws MeshError what the sender said, or `broken-off` when pieces are missing or nothing comes any more
   */
  readonly rest?: AsyncIterable<Uint8Array>;
}

export interface InvokerOptions {
  /** Answers may come in pieces, as `rest`; else the executor gathers them, up to the largest body. Default: false. */
  readonly takesStreams?: boolean;
}

/** Calls a handler and waits for its answer. */
export interface Invoker {
  /** Calls that wait for their reply. */
  readonly inFlight: number;
  /**
   * `event.timeout` (ms) is the deadline. An error that an executor answered is a reply, not a rejection.
   * @throws MeshError `not-connected` (at once, nothing is buffered), `no-executor` (at once),
   *   `deadline-exceeded`, `payload-too-large` (before anything is sent)
   * @param body an iterable goes out in pieces, whatever its size, as fast as the handler takes them
   */
  invoke(
    path: ControlPath,
    event: EventEnvelope,
    body: Uint8Array | AsyncIterable<Uint8Array>,
  ): Promise<CallReply>;
  /** Resolves when no call waits any more. */
  idle(): Promise<void>;
}
