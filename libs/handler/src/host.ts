import type { OutcomeCode } from '../../contracts/src/envelope.js';
import type { LogLevel } from './author-types.js';

/** What a run needs of whoever runs it. One object a run; the costly parts may be getters. */
export interface Host {
  readonly version: string;
  /** 1 for the first. */
  readonly attempt: number;
  /** On the scale of this thread's `performance.now()`, in ms: wall clocks jump. */
  readonly deadline: number;
  /** Read only if the handler asks for it, so a getter may make the controller then. */
  readonly signal: AbortSignal;
  log(level: LogLevel, message: string, fields?: Readonly<Record<string, unknown>>): void;
  /** Calls another handler. @throws MeshError for an error of the mesh, if it did not come as a reply */
  call(path: string, request: CallRequest): Promise<CallReply>;
}

export interface CallRequest {
  readonly body: Uint8Array;
  readonly contentType?: string;
  readonly version?: string;
  /** Milliseconds, at most what is left of the caller's own time. */
  readonly timeout: number;
}

export interface CallReply {
  readonly outcome: OutcomeCode;
  readonly status: number;
  readonly contentType?: string;
  readonly body: Uint8Array;
}
