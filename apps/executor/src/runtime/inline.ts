import { asMeshError, type MeshError } from '#contracts';
import { errorOutcome, type Outcome } from '#handler/runtime';
import { loadHandler } from './load-handler.js';
import { NestedCalls } from './nested-calls.js';
import { RunTable } from './run-table.js';
import { Runner } from './runner.js';
import type { HandlerPort, HandlerSpec, Instance, Invocation, WorkerStates } from './runtime.js';

/** Runs a handler in the executor's own thread: the fastest, and no protection at all against one that blocks. */
export class InlineInstance implements Instance {
  readonly #spec: HandlerSpec;
  readonly #port: HandlerPort;
  #loading: Promise<Runner> | undefined;
  #runner: Runner | undefined;
  readonly #runs = new RunTable<true>();
  readonly #calls: NestedCalls;
  #idle: (() => void)[] = [];

  constructor(spec: HandlerSpec, port: HandlerPort) {
    this.#spec = spec;
    this.#port = port;
    this.#calls = new NestedCalls(port);
  }

  get inFlight(): number {
    return this.#runs.size;
  }

  async invoke(invocation: Invocation): Promise<Outcome> {
    const { key } = invocation;
    let ended: Promise<void> | undefined;
    this.#runs.add(key, true);
    try {
      const runner = this.#runner ?? (await this.#loaded());
      const outcome = await runner.run(invocation);
      ended = outcome.rest?.ended;
      return outcome;
    } catch (error) {
      const fault = asMeshError(error);
      return errorOutcome(fault, invocation.id, fault.cause);
    } finally {
      if (ended === undefined) this.#leave(key);
      else void ended.then(() => this.#leave(key));
    }
  }

  abort(key: number, reason: string): void {
    this.#runner?.abort(key, reason);
    this.#calls.cancel(key);
    this.#leave(key);
  }

  async warm(): Promise<void> {
    await this.#loaded().catch(() => undefined);
  }

  /** A module that was imported stays. */
  rest(): void {}

  states(): WorkerStates {
    return { starting: 0, ready: 0, leaving: 0, ended: 0 };
  }

  async close(): Promise<void> {
    if (this.#runs.size > 0) await new Promise<void>((resolve) => this.#idle.push(resolve));
  }

  #leave(key: number): void {
    if (this.#runs.take(key) && this.#runs.size === 0) for (const resolve of this.#idle.splice(0)) resolve();
  }

  /** A module that failed is not imported again: Node keeps the failure, so the version stays as it is. */
  #loaded(): Promise<Runner> {
    this.#loading ??= this.#load();
    return this.#loading;
  }

  async #load(): Promise<Runner> {
    const spec = this.#spec;
    try {
      const handler = await loadHandler(await spec.folder(), spec.entry, spec.export, spec.path);
      this.#runner = new Runner(spec, handler, {
        log: (id, level, message, fields) => this.#port.log(spec, id, level, message, fields),
        call: (path, request, key) => this.#calls.call(key, path, request),
      });
      this.#port.state(spec, undefined);
      return this.#runner;
    } catch (error) {
      const fault: MeshError = asMeshError(error);
      // An artifact that could not be read, or was another, may be there the next time: nothing of it was imported.
      if (fault.code === 'artifact-missing' || fault.code === 'artifact-corrupt') this.#loading = undefined;
      this.#port.state(spec, { code: fault.code, detail: fault.detail ?? fault.message });
      throw fault;
    }
  }
}
