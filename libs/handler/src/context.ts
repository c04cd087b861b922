import type { Statement } from './answer.js';
import type { AnswerOptions, HandlerContext, HandlerLog, LogLevel } from './author-types.js';
import { callHandler, remaining } from './call.js';
import type { Host } from './host.js';

/** One run's state, behind its context. */
export interface Run {
  readonly host: Host;
  /** What the first `context(…)` said. */
  statement: Statement | undefined;
  log: HandlerLog | undefined;
}

const RUN = Symbol('run');
type Callable = HandlerContext & { [RUN]: Run };

/**
 * A context for one run. It is a function on a shared prototype whose getters make each part when it is asked for:
 * most handlers use one or two of them, and this runs for every call. Parts may be taken out: `const { log } = context`.
 */
export function createContext(run: Run): HandlerContext {
  const context = ((outcome: unknown, body?: unknown, options?: unknown) =>
    state(run, outcome, body, options)) as unknown as Callable;
  context[RUN] = run;
  return Object.setPrototypeOf(context, Parts.prototype);
}

function state(run: Run, outcome: unknown, body: unknown, options: unknown): void {
  if (outcome !== 'OK' && outcome !== 'FAIL')
    throw new TypeError('context(outcome, body): outcome must be OK or FAIL');
  const { status, headers } = checkOptions(options);
  if (run.statement)
    run.host.log(
      'warn',
      `context(${outcome}) came after context(${run.statement.outcome}): the first one counts`,
    );
  else run.statement = { outcome, body, status, headers };
}

function checkOptions(options: unknown): AnswerOptions {
  if (options === undefined) return {};
  if (typeof options !== 'object' || options === null)
    throw new TypeError('context(outcome, body, options): options must be an object { status, headers }');
  return options;
}

/** The getters of every context. Their values are bound, so that taking one out does not lose the run. */
class Parts {
  declare readonly [RUN]: Run;

  get version(): string {
    return this[RUN].host.version;
  }
  get attempt(): number {
    return this[RUN].host.attempt;
  }
  get signal(): AbortSignal {
    return this[RUN].host.signal;
  }
  get remainingTime(): () => number {
    const { host } = this[RUN];
    return () => remaining(host);
  }
  get log(): HandlerLog {
    const run = this[RUN];
    run.log ??= createLog(run.host);
    return run.log;
  }
  // In the place of Function.prototype.call: a context is called, never borrowed.
  get call(): HandlerContext['call'] {
    const { host } = this[RUN];
    return (path, body, options) => callHandler(host, path, body, options);
  }
}
Object.setPrototypeOf(Parts.prototype, Function.prototype);

function createLog(host: Host): HandlerLog {
  const line =
    (level: LogLevel): HandlerLog['info'] =>
    (message, fields) =>
      host.log(level, String(message), fields);
  return Object.assign(line('info'), {
    debug: line('debug'),
    info: line('info'),
    warn: line('warn'),
    error: line('error'),
  });
}
