import { MeshError } from '#contracts';
import type { HandlerSpec, Runtime, WorkerLimits } from '../runtime.js';
import { Scratch } from '../scratch.js';
import { WorkerInstance } from '../worker-instance.js';
import type { StartWorker, ToWorker, WorkerEvents, WorkerLink, WorkerStart } from '../worker-protocol.js';
import { Bootstrap } from './bootstrap.js';
import { bootstrapEnvironment } from './environment.js';
import { Exchange } from './exchange.js';
import { Output } from './output.js';
import { RuntimeApi } from './runtime-api.js';

/*
 * Handlers in any language: a program `bootstrap` that polls AWS Lambda's Runtime API, as a custom runtime of Lambda does.
 * To the executor it is one more worker; what differs is inside its `WorkerLink`:
 *
 *   bootstrap      the child process and what it starts, one process group, from the start to the end (group-memory)
 *   environment    the variables that it has
 *   output         the lines that it prints → the handler's log (said)
 *   runtime-api    the HTTP server that it polls, one for each child, since the API's paths name nobody
 *     http-connection (http-head, http-body), http-answers   its HTTP/1.1
 *     exchange       which run it gets next (waiting-line), which it has, and what it may ask when
 *     invocation     a run → what `next` answers
 *     response       what it posts → an outcome (shapes, answers), as a whole (whole-body) or in pieces (streamed-response)
 *     rejections     what it is told when it asks for what it may not
 *
 * Nothing keeps such a program from what this user may do: docs/isolation.md.
 */

/** Handlers as programs of their own. */
export const providedRuntime =
  (limits: WorkerLimits): Runtime =>
  (spec, port) =>
    new WorkerInstance(spec, port, startProvided(spec, limits), limits.graceMs);

/** Another child that was just being forked may hold the file open for writing, for a moment: ETXTBSY of execve(2). */
const isBusy = (cause: unknown): boolean => (cause as NodeJS.ErrnoException).code === 'ETXTBSY';
const MOST_STARTS = 5;
const BETWEEN_STARTS_MS = 20;

const startProvided =
  (spec: HandlerSpec, limits: WorkerLimits): StartWorker =>
  (start, environment, events) =>
    new ProvidedLink({ ...spec, environment }, limits, start, events);

/** One program, its Runtime API and what goes between: to the session that has it, a worker like any other. */
class ProvidedLink implements WorkerLink {
  readonly #exchange: Exchange;
  readonly #api: RuntimeApi;
  readonly #output: Output;
  /** Runs that it may have at once: of what its manifest allows, the share of one of its workers. */
  readonly #concurrency: number;
  readonly #limits: WorkerLimits;
  #bootstrap: Bootstrap | undefined;
  #isEnded = false;

  constructor(
    private readonly spec: HandlerSpec,
    ofAll: WorkerLimits,
    { folder }: WorkerStart,
    private readonly events: WorkerEvents,
  ) {
    const { workers = 1, memoryMb = ofAll.memoryMb } = spec.host?.allotment() ?? {};
    const limits = { ...ofAll, memoryMb };
    this.#limits = limits;
    this.#concurrency = Math.ceil((spec.provided?.concurrency ?? 1) / workers);
    this.#exchange = new Exchange(this.#concurrency, limits.graceMs, events);
    this.#api = new RuntimeApi(spec, this.#exchange);
    this.#output = new Output(
      () => this.#exchange.speaker,
      (speaker, { id = speaker, level, message, fields }) =>
        events.messages([['log', id, level, message, fields]]),
    );
    this.#api.listen().then(
      (address) => this.#start(folder, address),
      (cause: unknown) => this.#failed(new MeshError('internal', undefined, { cause })),
    );
  }

  post(messages: readonly ToWorker[]): void {
    for (const message of messages)
      switch (message[0]) {
        case 'run':
          this.#exchange.add(message);
          break;
        case 'abort':
          this.#exchange.abort(message[1]);
          break;
        case 'collect':
        case 'reply':
          break;
        default:
          this.#exchange.flow(message);
      }
  }

  begun(): number {
    return this.#exchange.begun;
  }

  async end(): Promise<void> {
    this.#isEnded = true;
    this.#exchange.close();
    this.#api.close();
    await this.#bootstrap?.end();
  }

  #start(folder: string, api: string, attempt = 1): void {
    if (this.#isEnded) return this.#api.close();
    const { spec } = this;
    const limits = this.#limits;
    const scratch = new Scratch();
    const surroundings = {
      folder,
      scratch: scratch.folder,
      api,
      memoryMb: limits.memoryMb,
      concurrency: this.#concurrency,
    };
    try {
      this.#bootstrap = new Bootstrap({
        folder,
        environment: bootstrapEnvironment(spec, surroundings),
        scratch,
        limits,
        output: this.#output,
        ended: () => this.#exchange.close(),
        failed: (fault) => this.#failed(fault),
      });
      // It failed while it was being started.
      if (this.#isEnded) void this.#bootstrap.end();
    } catch (cause) {
      scratch.remove().catch(() => undefined);
      if (isBusy(cause) && attempt < MOST_STARTS)
        setTimeout(() => this.#start(folder, api, attempt + 1), BETWEEN_STARTS_MS);
      else this.#failed(new MeshError('worker-crashed', 'Its bootstrap could not be started.', { cause }));
    }
  }

  #failed(fault: MeshError): void {
    if (!this.#isEnded) this.events.failed(fault);
  }
}
