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
  /** @param headers an encoded header block */
  reply(headers: Uint8Array, body: Uint8Array): void;
}

/** Takes calls of a path, shared with the other executors in one queue group. */
export interface CallIntake {
  serve(path: ControlPath, onCall: (call: IncomingCall) => void): ServedPath;
}

export interface ServedPath {
  /** Takes no new calls; resolves when the server has handed over the last one that it had routed here. */
  drain(): Promise<void>;
}
