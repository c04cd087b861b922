import {
  asMeshError,
  type CancelCode,
  type ControlPath,
  DEFAULT_TIMEOUT_MS,
  decodeRouting,
  type EventRouting,
  type HeaderMap,
  type LiveVersion,
  MeshError,
  mintMeshId,
  type Route,
} from '#contracts';
import { type Deadline, Deadlines } from '#fabric';
import { errorOutcome, type Outcome } from '#handler/runtime';
import type { Instances } from './catalogue/instances.js';
import { pickVersion } from './catalogue/pick-version.js';
import type { Gate } from './gate.js';
import { Admission, type AllowedOf } from './limits/admission.js';
import { Assembly, watched } from './request-body.js';
import { RunStream } from './run-stream.js';
import { letGo } from './runtime/flow.js';
import { RunTable } from './runtime/run-table.js';
import type { Instance, Invocation } from './runtime/runtime.js';

export interface Invoked {
  readonly id: string;
  /** The version that ran; absent when none did. */
  readonly version?: string;
  readonly outcome: Outcome;
}

/** A run that has not ended, and who waits for it. */
interface Run {
  invocation: Invocation;
  readonly instance: Instance;
  readonly gate: Gate<Run>;
  readonly resolve: (outcome: Outcome) => void;
  deadline: Deadline | undefined;
  /** By `performance.now()`; 0: it began at once. */
  waitingSince: number;
  begun: boolean;
  /** What follows its outcome, where it answers in pieces. */
  stream: RunStream | undefined;
}

const CANCEL_REASONS: Readonly<Record<CancelCode, string>> = {
  'client-gone': 'the caller went away',
  cancelled: 'the call was cancelled',
};

/** From a decoded header block to an outcome: which version, how long, and the run itself. Never rejects. */
export class Invoke {
  #nextKey = 0;
  readonly #deadlines = new Deadlines();
  readonly #running = new RunTable<Run>();
  readonly #assembly = new Assembly();
  /** Those that answer in pieces. */
  readonly #streaming = new Set<Run>();
  /** What each handler may have here, and what was refused. */
  readonly admission: Admission<Run>;

  constructor(
    private readonly instances: Instances,
    allowedOf: AllowedOf,
  ) {
    this.admission = new Admission(allowedOf);
  }

  /** Answers that go on in pieces. */
  get streams(): number {
    return this.#streaming.size;
  }

  /** How many runs wait for their turn, of the paths of which any do. */
  waiting(): Map<ControlPath, number> {
    const waiting = new Map<ControlPath, number>();
    for (const [path, instance] of this.instances.all()) {
      const count = this.admission.waitingFor(instance);
      if (count > 0) waiting.set(path, (waiting.get(path) ?? 0) + count);
    }
    return waiting;
  }

  /** A route has changed: its limits hold at once, for those who wait too. */
  follow(path: ControlPath, route: Route | undefined): void {
    if (!route) return this.admission.forget(path);
    if (!this.instances.uses(path)) return;
    for (const version of route.versions) {
      const instance = this.instances.known(path, version);
      if (!instance) continue;
      const { gate } = this.admission.of(instance, route, version);
      for (let next = gate.next(); next; next = gate.next()) this.#begin(next);
    }
  }

  /**
   * @param route `undefined` when it has gone while the call was on its way
   * @param rest what follows the body; it is taken to its end or let go of
   */
  async run(
    route: Route | undefined,
    headers: HeaderMap,
    body: Uint8Array,
    attempt: number,
    rest?: AsyncIterable<Uint8Array>,
  ): Promise<Invoked> {
    let id = '';
    try {
      const routing = decodeRouting(headers, mintMeshId);
      id = routing.id;
      if (!route) throw new MeshError('no-route');
      const version = pickVersion(route, routing, Math.random);
      const outcome = await (rest === undefined
        ? this.version(route, version, routing, headers, body, attempt)
        : this.#inPieces(route, version, routing, headers, body, attempt, rest));
      return { id, version: version.version, outcome };
    } catch (error) {
      if (rest) letGo(rest);
      id ||= mintMeshId();
      const fault = asMeshError(error);
      return { id, outcome: errorOutcome(fault, id, fault.cause) };
    }
  }

  /** As it comes for a handler that takes it so, else as a whole. @throws MeshError `payload-too-large`, … */
  async #inPieces(
    route: Route,
    version: LiveVersion,
    routing: EventRouting,
    headers: HeaderMap,
    first: Uint8Array,
    attempt: number,
    rest: AsyncIterable<Uint8Array>,
  ): Promise<Outcome> {
    if (version.body === 'stream')
      return this.version(route, version, routing, headers, first, attempt, false, rest);
    const { allowed } = this.admission.of(this.instances.get(route, version), route, version);
    const body = await this.#assembly.whole(first, rest, allowed.payloadBytes);
    return this.version(route, version, routing, headers, body, attempt);
  }

  /**
   * Runs one version, as soon as its handler has room. Never rejects, and answers at the deadline, or when it is
   * cancelled, whatever the handler does: first the caller, then the handler's signal.
   * An outcome that has a `rest` must be taken to its end, or let go of: the run goes on until then.
   * @param isPatient nobody waits for the result: its time begins when it runs, and it is never refused
   * @param rest what follows the body
   */
  version(
    route: Route,
    version: LiveVersion,
    { id, timeout = DEFAULT_TIMEOUT_MS }: EventRouting,
    headers: HeaderMap,
    body: Uint8Array,
    attempt: number,
    isPatient = false,
    rest?: AsyncIterable<Uint8Array>,
  ): Promise<Outcome> {
    const instance = this.instances.get(route, version);
    const admitted = this.admission.of(instance, route, version);
    const refusal = this.admission.refusal(route, admitted, id, body.length, isPatient);
    if (refusal) {
      if (rest) letGo(rest);
      return Promise.resolve(refusal);
    }
    const { gate, allowed } = admitted;
    // A caller may ask for less than the handler's own limit, never for more.
    const limit = isPatient ? allowed.timeoutMs : Math.min(timeout, allowed.timeoutMs);
    const invocation = { key: this.#nextKey++, id, headers, body, attempt, timeout: limit };
    return new Promise((resolve) => {
      const run: Run = {
        invocation,
        instance,
        gate,
        resolve,
        deadline: undefined,
        waitingSince: 0,
        begun: false,
        stream: undefined,
      };
      if (rest) run.invocation = { ...invocation, rest: this.#follow(run, rest, allowed.payloadBytes) };
      const admission = gate.admit(run, isPatient);
      this.#running.add(invocation.key, run);
      if (!isPatient || admission === 'runs') this.#limit(run, limit);
      if (admission === 'runs') this.#begin(run);
      else run.waitingSince = performance.now();
    });
  }

  #begin(run: Run): void {
    run.begun = true;
    const { instance, waitingSince, deadline } = run;
    if (deadline === undefined) this.#limit(run, run.invocation.timeout);
    const invocation = waitingSince > 0 && deadline !== undefined ? shortened(run) : run.invocation;
    void instance.invoke(invocation).then((outcome) => {
      if (outcome.rest !== undefined) this.#stream(run, outcome, outcome.rest);
      else if (this.#leave(run)) run.resolve(outcome);
    });
  }

  /** It answers in pieces: the run goes on until the last one is taken. */
  #stream(run: Run, outcome: Outcome, rest: AsyncIterable<Uint8Array>): void {
    // Who called has been answered.
    if (this.#running.get(run.invocation.key) !== run) return letGo(rest);
    run.stream = new RunStream(rest, {
      over: () => void this.#leave(run),
      left: () => this.#stop(run, new MeshError('client-gone'), CANCEL_REASONS['client-gone']),
    });
    this.#streaming.add(run);
    run.resolve({ ...outcome, rest: run.stream });
  }

  /** This executor ends: streams that could go on for long are broken off, which who takes them is told. */
  endStreams(): void {
    for (const run of this.#streaming) this.#stop(run, new MeshError('shutting-down'), 'the executor ends');
  }

  /** Where the body breaks off the run is over, whatever the handler makes of it. */
  #follow(run: Run, rest: AsyncIterable<Uint8Array>, most: number): AsyncIterable<Uint8Array> {
    const left = most - run.invocation.body.length;
    return watched(rest, left, most, (fault) => this.#stop(run, fault, 'the body broke off'));
  }

  #limit(run: Run, ms: number): void {
    run.deadline = this.#deadlines.begin(ms, this.#overrun, run);
  }

  /** Ends the run of an event, if it is here: nobody wants its result any more. */
  cancel(id: string, code: CancelCode): void {
    const run = this.#running.find((one) => one.invocation.id === id);
    if (run) this.#stop(run, new MeshError(code), CANCEL_REASONS[code]);
  }

  readonly #overrun = (run: Run): void => {
    const detail = `It took longer than ${run.invocation.timeout} ms.`;
    this.#stop(run, new MeshError('deadline-exceeded', detail), 'the deadline passed');
  };

  #stop(run: Run, fault: MeshError, reason: string): void {
    if (!this.#leave(run)) return;
    if (run.stream) run.stream.stop(fault);
    else run.resolve(errorOutcome(fault, run.invocation.id));
    if (run.begun) run.instance.abort(run.invocation.key, reason);
  }

  /** @returns false where it has ended already */
  #leave(run: Run): boolean {
    run.deadline?.callOff();
    if (!this.#running.take(run.invocation.key)) return false;
    if (run.invocation.rest !== undefined) letGo(run.invocation.rest);
    if (run.stream !== undefined) this.#streaming.delete(run);
    if (run.begun) this.#makeRoom(run.gate);
    else run.gate.abandon(run);
    return true;
  }

  #makeRoom(gate: Gate<Run>): void {
    const next = gate.leave();
    if (next) this.#begin(next);
  }
}

/** What is left of its time for one that has waited. */
function shortened({ invocation, waitingSince }: Run): Invocation {
  const waited = Math.round(performance.now() - waitingSince);
  return { ...invocation, timeout: Math.max(1, invocation.timeout - waited) };
}
