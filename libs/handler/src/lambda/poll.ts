import { setTimeout as delay } from 'node:timers/promises';
import type { JsonValue, LogLevel } from '../author-types.js';
import { describe } from '../outcome.js';
import type { ErrorReport } from './error-report.js';
import type { Loaded } from './loaded.js';
import { type Ran, runEvent } from './run-event.js';
import { type Next, RefusedError, type RuntimeApi } from './runtime-api.js';

/*
 * The life of a function: next → run → response or error → next. Nothing that goes wrong with one event ends it:
 *
 *   next fails        said, waited 0.1 s … 5 s, tried again, for ever
 *   the handler throws     told as an error; on to the next
 *   the answer is refused  told as an error instead (413: too large), or said; on to the next
 *   anything else     said; the loop begins again
 */

const FIRST_WAIT_MS = 100;
const LONGEST_WAIT_MS = 5_000;
const TOO_LARGE = 413;

export type Log = (level: LogLevel, id: string, message: string, fields?: object) => void;

/** What is being run, so that the end of the process can be told to who waits. */
export type InHand = Set<string>;

/** How it is polled. */
export interface Polling {
  readonly log: Log;
  /** Who calls takes answers in pieces. */
  readonly streams: boolean;
  /** One event at a time: what it does may be told by the process's environment. */
  readonly traces: boolean;
  readonly inHand: InHand;
}

/** Polls until the signal aborts; never rejects. */
export async function poll(
  api: RuntimeApi,
  loaded: Loaded,
  polling: Polling,
  stop: AbortSignal,
): Promise<void> {
  let wait = FIRST_WAIT_MS;
  while (!stop.aborted) {
    try {
      const next = await api.next(stop);
      wait = FIRST_WAIT_MS;
      await turn(api, loaded, polling, next);
    } catch (error) {
      if (stop.aborted) return;
      polling.log('error', '', `The Runtime API cannot be reached, or refuses: trying again in ${wait} ms.`, {
        error: String(error),
      });
      await delay(wait, undefined, { signal: stop }).catch(() => undefined);
      wait = Math.min(wait * 2, LONGEST_WAIT_MS);
    }
  }
}

async function turn(api: RuntimeApi, loaded: Loaded, polling: Polling, next: Next): Promise<void> {
  const { id, body, caller, deadlineMs } = next;
  const { log, streams, traces, inHand } = polling;
  inHand.add(id);
  try {
    const deadline = performance.now() + Math.max(0, deadlineMs - Date.now());
    if (traces) setTraceId(caller.traceId);
    const ran = await runEvent(loaded, { id, body, caller, deadline, streams, log });
    if ('error' in ran) log('error', id, 'The handler did not end OK.', ran.error.document);
    await tell(api, id, ran);
  } catch (error) {
    // Too late, as a rule: who waited has been answered. The next event may be all the better.
    if (!(error instanceof RefusedError)) throw error;
    log('error', id, error.message);
  } finally {
    inHand.delete(id);
  }
}

/** "Defined runtime environment variables": where X-Ray's SDK, and what is called, finds the trace. */
function setTraceId(traceId: JsonValue | undefined): void {
  if (typeof traceId === 'string') process.env._X_AMZN_TRACE_ID = traceId;
  else delete process.env._X_AMZN_TRACE_ID;
}

async function tell(api: RuntimeApi, id: string, ran: Ran): Promise<void> {
  if ('streamed' in ran) return api.stream(id, ran.streamed, brokenOff);
  try {
    await ('error' in ran ? api.fail(id, ran.error) : api.respond(id, ran.answer));
  } catch (error) {
    if (!(error instanceof RefusedError) || error.status !== TOO_LARGE) throw error;
    await api.fail(id, tooLarge('error' in ran ? ran.outcome.body : ran.answer));
  }
}

/** Told behind what was sent already. */
const brokenOff = (error: unknown): ErrorReport => {
  const { name, message, stack } = describe((error as { cause?: unknown } | undefined)?.cause ?? error);
  return {
    category: 'Function.Error',
    document: { errorType: name, errorMessage: message, trace: stack?.split('\n') ?? [] },
  };
};

const tooLarge = (answer: Uint8Array): ErrorReport => ({
  category: 'Function.ResponseSizeTooLarge',
  document: {
    errorType: 'Function.ResponseSizeTooLarge',
    errorMessage: `Response payload size (${answer.length} bytes) exceeded what Lambda takes.`,
    trace: [],
  },
});
