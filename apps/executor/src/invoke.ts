import {
  asMeshError,
  type CancelCode,
  DEFAULT_TIMEOUT_MS,
  decodeRouting,
  type EventRouting,
  type HeaderMap,
  type LiveVersion,
  MeshError,
  mintMeshId,
  type Route,
} from '#contracts';
import { errorOutcome, type Outcome } from '#handler/runtime';
import type { Instances } from './catalogue/instances.js';
import { pickVersion } from './catalogue/pick-version.js';
import { RunTable } from './runtime/run-table.js';
import type { Instance } from './runtime/runtime.js';

export interface Invoked {
  readonly id: string;
  /** The version that ran; absent when none did. */
  readonly version?: string;
  readonly outcome: Outcome;
}

/** A run that has not ended, and who waits for it. */
interface Running {
  readonly id: string;
  readonly key: number;
  readonly instance: Instance;
  readonly resolve: (outcome: Outcome) => void;
  timer: NodeJS.Timeout | undefined;
}

const CANCEL_REASONS: Readonly<Record<CancelCode, string>> = {
  'client-gone': 'the caller went away',
  cancelled: 'the call was cancelled',
};

/** From a decoded header block to an outcome: which version, how long, and the run itself. Never rejects. */
export class Invoke {
  #nextKey = 0;
  readonly #running = new RunTable<Running>();

  constructor(private readonly instances: Instances) {}

  /** @param route `undefined` when it has gone while the call was on its way */
  async run(
    route: Route | undefined,
    headers: HeaderMap,
    body: Uint8Array,
    attempt: number,
  ): Promise<Invoked> {
    let id = '';
    try {
      const routing = decodeRouting(headers, mintMeshId);
      id = routing.id;
      if (!route) throw new MeshError('no-route');
      const version = pickVersion(route, routing, Math.random);
      const outcome = await this.version(route, version, routing, headers, body, attempt);
      return { id, version: version.version, outcome };
    } catch (error) {
      id ||= mintMeshId();
      const fault = asMeshError(error);
      return { id, outcome: errorOutcome(fault, id, fault.cause) };
    }
  }

  /**
   * Runs one version. Never rejects, and answers at the deadline, or when it is cancelled, whatever the handler does:
   * first the caller, then the handler's signal.
   */
  version(
    { path }: Route,
    version: LiveVersion,
    { id, timeout = DEFAULT_TIMEOUT_MS }: EventRouting,
    headers: HeaderMap,
    body: Uint8Array,
    attempt: number,
  ): Promise<Outcome> {
    const instance = this.instances.get(path, version);
    const key = this.#nextKey++;
    // A caller may ask for less than the handler's own limit, never for more.
    const limit = Math.min(timeout, version.limits.timeoutMs ?? DEFAULT_TIMEOUT_MS);
    return new Promise((resolve) => {
      const running: Running = { id, key, instance, resolve, timer: undefined };
      running.timer = setTimeout(() => this.#overrun(running, limit), limit);
      this.#running.add(key, running);
      void instance.invoke({ key, id, headers, body, attempt, timeout: limit }).then((outcome) => {
        if (this.#leave(running)) resolve(outcome);
      });
    });
  }

  /** Ends the run of an event, if it is here: nobody wants its result any more. */
  cancel(id: string, code: CancelCode): void {
    const running = this.#running.find((one) => one.id === id);
    if (running) this.#stop(running, new MeshError(code), CANCEL_REASONS[code]);
  }

  #overrun(running: Running, limit: number): void {
    const fault = new MeshError('deadline-exceeded', `It took longer than ${limit} ms.`);
    this.#stop(running, fault, 'the deadline passed');
  }

  #stop(running: Running, fault: MeshError, reason: string): void {
    if (!this.#leave(running)) return;
    running.resolve(errorOutcome(fault, running.id));
    running.instance.abort(running.key, reason);
  }

  /** @returns false where it has ended already */
  #leave({ key, timer }: Running): boolean {
    clearTimeout(timer);
    return this.#running.take(key) !== undefined;
  }
}
