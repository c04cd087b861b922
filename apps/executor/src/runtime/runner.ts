import { asMeshError, type ControlPath, decodeEvent } from '#contracts';
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
      const envelope = decodeEvent(invocation.headers, () => invocation.id);
      const built = buildEvent(this.path, envelope, invocation.body);
      const event = built instanceof Promise ? await built : built;
      return await runHandler(this.handler, event, this.#host(invocation));
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

  #host(invocation: Invocation): Host {
    const { port, version } = this;
    const controllers = this.#controllers;
    return {
      version,
      attempt: invocation.attempt,
      deadline: performance.now() + invocation.timeout,
      // Made only when asked for: most handlers never look.
      get signal() {
        const controller = controllers.get(invocation.key) ?? new AbortController();
        controllers.set(invocation.key, controller);
        return controller.signal;
      },
      log: (level, message, fields) => port.log(invocation.id, level, message, fields),
      call: (path, request) => port.call(path, request),
    };
  }
}
