import type { ControlPath, EventEnvelope, ResultEnvelope } from '#contracts';

export interface CallReply {
  readonly result: ResultEnvelope;
  readonly body: Uint8Array;
}

/** Calls a handler and waits for its answer. */
export interface Invoker {
  /** Calls that wait for their reply. */
  readonly inFlight: number;
  /**
   * `event.timeout` (ms) is the deadline. An error that an executor answered is a reply, not a rejection.
   * @throws MeshError `not-connected` (at once, nothing is buffered), `no-executor` (at once),
   *   `deadline-exceeded`, `payload-too-large` (before anything is sent)
   */
  invoke(path: ControlPath, event: EventEnvelope, body: Uint8Array): Promise<CallReply>;
  /** Resolves when no call waits any more. */
  idle(): Promise<void>;
}
