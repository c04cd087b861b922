import type { ControlPath, HeaderMap } from '#contracts';
import type { CallReply, CallRequest, LogLevel, Outcome } from '#handler/runtime';

/*
 * The port behind which handlers run. Its siblings implement it: `inline` in this process, `thread` in a worker
 * thread for each version. `load-handler` and `runner` are what both do alike; `thread-worker` is what runs in the
 * thread, `thread-protocol` what crosses.
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
}

/** One version of a handler, loaded when first invoked. */
export interface Instance {
  readonly inFlight: number;
  /** Never rejects: every way to fail is an outcome. */
  invoke(invocation: Invocation): Promise<Outcome>;
  /** Aborts the `signal` of a run and waits for it no longer: who called it has been answered. */
  abort(key: number, reason: string): void;
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
