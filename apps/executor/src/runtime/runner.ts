import { asMeshError, type ControlPath, decodeDetails } from '#contracts';
import {
  buildEvent,
  type CallReply,
  type CallRequest,
  errorOutcome,
  type Host,
  type LogLevel,
  type Outcome,
  type ResolvedHandler,
  runHandler,
} from '#handler/runtime';
import { logFields, logMessage } from './log-line.js';
import type { Invocation } from './runtime.js';

/** What a run asks of its surroundings; in a thread these cross to the executor. */
export interface RunnerPort {
  log(id: string, level: LogLevel, message: string, fields?: object): void;
  call(path: string, request: CallRequest): Promise<CallReply>;
}

/** Runs invocations of one loaded handler: event in, outcome out. The same code inline and in a thread. */
export class Runner {
  /** Only runs whose handler asked for its signal are here. */
  readonly #controllers = new Map<number, AbortController>();

  constructor(
    private readonly path: ControlPath,
    private readonly version: string,
    private readonly handler: ResolvedHandler,
    private readonly port: RunnerPort,
  ) {}

  async run(invocation: Invocation): Promise<Outcome> {
    try {
      const envelope = { id: invocation.id, ...decodeDetails(invocation.headers) };
      const built = buildEvent(this.path, envelope, invocation.body);
      const event = built instanceof Promise ? await built : built;
      return await runHandler(
        this.handler,
        event,
        new RunHost(this.version, invocation, this.port, this.#controllers),
      );
    } catch (error) {
      const fault = asMeshError(error);
      return errorOutcome(fault, invocation.id, fault.code === 'internal' ? fault.cause : undefined);
    } finally {
      this.#controllers.delete(invocation.key);
    }
  }

  abort(key: number, reason: string): void {
    this.#controllers.get(key)?.abort(new DOMException(reason, 'AbortError'));
  }
}

/** A class, because its getter on an object of its own would cost more than the rest of it. */
class RunHost implements Host {
  readonly deadline: number;

  constructor(
    readonly version: string,
    private readonly invocation: Invocation,
    private readonly port: RunnerPort,
    private readonly controllers: Map<number, AbortController>,
  ) {
    this.deadline = invocation.deadline ?? performance.now() + invocation.timeout;
  }

  get attempt(): number {
    return this.invocation.attempt;
  }

  /** Made only when asked for: most handlers never look. */
  get signal(): AbortSignal {
    const { key } = this.invocation;
    const controller = this.controllers.get(key) ?? new AbortController();
    this.controllers.set(key, controller);
    return controller.signal;
  }

  log(level: LogLevel, message: string, fields?: object): void {
    this.port.log(this.invocation.id, level, logMessage(message), logFields(fields));
  }

  call(path: string, request: CallRequest): Promise<CallReply> {
    // As text, whatever a handler without types gave: what cannot cross a thread would end it.
    const { version } = request;
    return this.port.call(
      String(path),
      version === undefined ? request : { ...request, version: String(version) },
    );
  }
}
