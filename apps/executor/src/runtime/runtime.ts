import type { ControlPath, HeaderMap } from '#contracts';
import type { CallReply, CallRequest, LogLevel, Outcome } from '#handler/runtime';

/*
 * The port behind which handlers run, and a map of its siblings.
 *
 *   inline             in this process: no protection at all
 *   thread, process    how a worker thread or a child process is started, spoken to and ended: a `WorkerLink`
 *     worker-instance    one version: which worker takes the next run, when a new one is started (`restarts`)
 *       worker-session     one worker from its start to its end, and the runs that it has (`run`, `run-table`)
 *       overruns           which of them did not stop when they should
 *     thread-worker, process-worker   what runs inside, both around `handler-worker`
 *     worker-protocol, frames         what crosses, and how it crosses a pipe
 *     heap-watch         what keeps a thread within its memory
 *     guardian, watch, scratch, child-command, guard-process   what keeps a child process within its bounds
 *   load-handler, runner   what all of them do alike
 */

/** One version of a handler, ready to be loaded. */
export interface HandlerSpec {
  readonly path: ControlPath;
  readonly version: string;
  /** File name inside the artifact. */
  readonly entry: string;
  readonly export?: string | undefined;
  /** The names that the manifest lists and the operator offers, with their values. */
  readonly environment: Readonly<Record<string, string>>;
  /** Unpacks the artifact. @throws MeshError `artifact-missing` or `artifact-corrupt` */
  folder(): Promise<string>;
}

/** One run of a handler. */
export interface Invocation {
  /** Unique in this process: names the run where it crosses a thread. */
  readonly key: number;
  /** The mesh-id. */
  readonly id: string;
  /** The event's headers, not yet decoded further: that is done where the handler runs. */
  readonly headers: HeaderMap;
  /** May be a view into a larger buffer. */
  readonly body: Uint8Array;
  readonly attempt: number;
  /** Milliseconds that the run may take. */
  readonly timeout: number;
  /** By `performance.now()`, where that is known better than from when the run begins. */
  readonly deadline?: number;
}

/** One version of a handler, loaded when first invoked. */
export interface Instance {
  readonly inFlight: number;
  /** Never rejects: every way to fail is an outcome. */
  invoke(invocation: Invocation): Promise<Outcome>;
  /**
   * Aborts the `signal` of a run and waits for it no longer: who called it has been answered. A run that does not stop
   * then is ended together with its worker, where it has one.
   */
  abort(key: number, reason: string): void;
  /** Loads it, so that its first call finds it ready. */
  warm(): void;
  /** Lets go of the worker if nothing was invoked since this was last called. */
  rest(): void;
  /** Waits for the runs in flight, then lets go of everything. */
  close(): Promise<void>;
}

/** What a handler may ask of the mesh while it runs. */
export interface HandlerPort {
  log(spec: HandlerSpec, id: string, level: LogLevel, message: string, fields?: object): void;
  /** @throws MeshError for an error of the mesh that did not come as a reply */
  call(path: string, request: CallRequest): Promise<CallReply>;
  /** The version loads again, or does not: what an operator needs to know. */
  state(spec: HandlerSpec, fault: { code: string; detail: string } | undefined): void;
}

export type Runtime = (spec: HandlerSpec, port: HandlerPort) => Instance;

/** What the operator allows a worker. */
export interface WorkerLimits {
  /** How long after its deadline a run may take to heed its signal, ms. */
  readonly graceMs: number;
  /** MB: of JavaScript's heap and buffers in a thread, of everything in a process. */
  readonly memoryMb: number;
  /** MB that a process may keep in its scratch folder. */
  readonly scratchMb: number;
}

export const DEFAULT_LIMITS: WorkerLimits = { graceMs: 100, memoryMb: 512, scratchMb: 64 };
