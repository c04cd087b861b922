import type { ControlPath, EventShape, HeaderMap, HttpTrigger } from '#contracts';
import type { CallReply, CallRequest, LogLevel, Outcome, Shaping } from '#handler/runtime';

/*
 * The port behind which handlers run, and a map of its siblings.
 *
 *   inline             in this process: no protection at all
 *   thread, process    how a worker thread or a child process is started, spoken to and ended: a `WorkerLink`
 *     worker-instance    one version: which worker takes the next run, when a new one is started (`restarts`, `start-gate`)
 *       worker-session     one worker from its start to its end
 *       worker-runs        the runs that it has (`run`, `run-table`)
 *       overruns           which of them did not stop when they should
 *       flows, flow        bodies in pieces, in both directions and on both sides
 *       nested-calls       what they called and wait for
 *     spare-threads      threads that are started before they are needed
 *     thread-worker, process-worker   what runs inside, both around `handler-worker`
 *     worker-protocol, frames         what crosses, and how it crosses a pipe
 *     heap-watch         what keeps a thread within its memory
 *     guardian, watch, memory-group, scratch, child-command, guard-process   what keeps a child process within its bounds
 *   load-handler, runner   what all of them do alike
 *   provided/          a program in any language, behind a `WorkerLink` too; it polls Lambda's Runtime API
 */

/** One version of a handler, ready to be loaded. */
export interface HandlerSpec {
  readonly path: ControlPath;
  readonly version: string;
  /** Of a program of its own; absent: a module that is imported. */
  readonly provided?: ProvidedSpec;
  /** File name inside the artifact. */
  readonly entry: string;
  readonly export?: string | undefined;
  /** Which document it is given; absent: the mesh's own event. */
  readonly shaping?: Shaping | undefined;
  /** `stream`: it takes bodies as they come. */
  readonly body?: 'whole' | 'stream' | undefined;
  /** The names that the manifest lists and the operator offers, with their values. */
  readonly environment: Readonly<Record<string, string>>;
  /** Unpacks the artifact. @throws MeshError `artifact-missing` or `artifact-corrupt` */
  folder(): Promise<string>;
  /** Absent: one worker, with what the runtime gives any. */
  readonly host?: WorkerHost;
}

/** What a program gets that polls the Runtime API. */
export interface ProvidedSpec {
  /** Absent: what Lambda would give for the event's source. */
  readonly event?: EventShape | undefined;
  readonly http: readonly HttpTrigger[];
  /** Runs at once that its manifest allows: it may poll for as many. */
  readonly concurrency?: number | undefined;
}

/** What a version may have of the executor that it runs on. */
export interface WorkerHost {
  /** As of now: the operator may change it while it runs. */
  allotment(): Allotment;
  /** Whether the executor has room for a worker beside the one that a version needs. */
  mayGrow(): boolean;
  /** Resolves when a worker may start. @returns to be called when it has, or has ended */
  startTurn(): Promise<() => void>;
  /** What became of the path's workers. */
  readonly tally: WorkerTally;
}

export interface Allotment {
  /** At the most. */
  readonly workers: number;
  /** That are kept although nobody calls. */
  readonly warm: number;
  /** MB that each may have. */
  readonly memoryMb: number;
}

/** Counted up for as long as the executor runs. */
export interface WorkerTally {
  starts: number;
  readonly ends: Record<'crashed' | 'unready' | 'overrun' | 'released', number>;
}

/** Workers by what they do now; `ended`: not gone yet. */
export type WorkerStates = Record<'starting' | 'ready' | 'leaving' | 'ended', number>;

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
  /** What follows `body`, for a handler that takes its bodies in pieces. @throws MeshError what broke it off */
  readonly rest?: AsyncIterable<Uint8Array>;
  readonly attempt: number;
  /** Milliseconds that the run may take. */
  readonly timeout: number;
  /** By `performance.now()`, where that is known better than from when the run begins. */
  readonly deadline?: number;
}

/** One version of a handler, loaded when first invoked. */
export interface Instance {
  readonly inFlight: number;
  /** Never rejects: every way to fail is an outcome. A run whose outcome has a `rest` goes on until that ends. */
  invoke(invocation: Invocation): Promise<Outcome>;
  /**
   * Aborts the `signal` of a run and waits for it no longer: who called it has been answered. A run that does not stop
   * then is ended together with its worker, where it has one.
   */
  abort(key: number, reason: string): void;
  /** Loads it, so that its first call finds it ready. Resolves when it is, or it is certain that it is not. */
  warm(): Promise<void>;
  /** Lets go of the workers that nothing was invoked in since this was last called, but for those that are kept. */
  rest(): void;
  /** Its workers; none where it has none of its own. */
  states(): WorkerStates;
  /** Waits for the runs in flight, then lets go of everything. */
  close(): Promise<void>;
}

/** What a handler may ask of the mesh while it runs. */
export interface HandlerPort {
  log(spec: HandlerSpec, id: string, level: LogLevel, message: string, fields?: object): void;
  /**
   * @param hold is given what ends the call, for when nobody waits for it any more
   * @throws MeshError for an error of the mesh that did not come as a reply
   */
  call(path: string, request: CallRequest, hold?: (cancel: () => void) => void): Promise<CallReply>;
  /** The version loads again, or does not: what an operator needs to know. */
  state(spec: HandlerSpec, fault: { code: string; detail: string } | undefined): void;
}

export interface Runtime {
  (spec: HandlerSpec, port: HandlerPort): Instance;
  /** Lets go of what it keeps for instances to come. */
  close?(): Promise<void>;
}

/** What the operator allows a worker. */
export interface WorkerLimits {
  /** How long after its deadline a run may take to heed its signal, ms. */
  readonly graceMs: number;
  /** MB: of JavaScript's heap and buffers in a thread, of everything in a process. */
  readonly memoryMb: number;
  /** MB that a process may keep in its scratch folder. */
  readonly scratchMb: number;
  /** Folder of cgroup v2 in which each process gets a group, so that the kernel holds its memory limit. Absent: it is watched. */
  readonly groups?: string;
}

export const DEFAULT_LIMITS: WorkerLimits = { graceMs: 100, memoryMb: 512, scratchMb: 64 };
