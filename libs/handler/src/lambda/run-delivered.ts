import { asMeshError, MeshError } from '../../../contracts/src/errors.js';
import type { Answer } from '../answer.js';
import type { HandlerEvent, LogLevel } from '../author-types.js';
import { buildEvent, buildStreamedEvent, once } from '../build-event.js';
import { collect } from '../collect.js';
import type { Host } from '../host.js';
import { errorOutcome, type Outcome } from '../outcome.js';
import { openAnswer, runHandler } from '../run-handler.js';
import { runShaped } from '../shapes/run-shaped.js';
import type { Loaded } from './loaded.js';
import type { Attributes, Delivered } from './to-envelope.js';

/** One event of Lambda's, and what is known of its run. */
export interface LambdaRun {
  /** Lambda's request id. */
  readonly id: string;
  readonly body: Uint8Array;
  /** What a handler that was written for Lambda finds in its context. */
  readonly caller?: Attributes;
  /** On the scale of `performance.now()`, ms. */
  readonly deadline: number;
  /** Who asked takes an answer in pieces. */
  readonly streams?: boolean;
  readonly log: (level: LogLevel, id: string, message: string, fields?: object) => void;
}

/** Lambda's bound on an answer: 6 MiB and 100 bytes. */
const MAX_ANSWER_BYTES = 6 * 1024 * 1024 + 100;

/** Runs the handler on an event as an executor does, in the shape that it was written for. Never rejects. */
export async function runDelivered(loaded: Loaded, run: LambdaRun, delivered: Delivered): Promise<Outcome> {
  const ending = new AbortController();
  const timer = setTimeout(
    () => ending.abort(new DOMException('the deadline passed', 'AbortError')),
    Math.max(0, run.deadline - performance.now()),
  );
  const outcome = await ran(loaded, run, delivered, ending.signal);
  if (outcome.rest !== undefined) return { ...outcome, rest: followed(outcome.rest, timer) };
  clearTimeout(timer);
  return outcome;
}

async function ran(
  loaded: Loaded,
  run: LambdaRun,
  delivered: Delivered,
  signal: AbortSignal,
): Promise<Outcome> {
  const { id } = delivered.envelope;
  try {
    const answer = await begin(loaded, delivered, hostOf(loaded, run, delivered, signal));
    if (answer.rest === undefined) return answer;
    const opened = await openAnswer(answer, answer.rest, id);
    if (!run.streams) return await collect(opened, id, MAX_ANSWER_BYTES);
    // One that has ended already is sent as the others are.
    return opened.outcome === 'ok' ? { ...opened, rest: opened.rest ?? nothing() } : opened;
  } catch (error) {
    const fault = asMeshError(error);
    return errorOutcome(fault, id, fault.cause);
  }
}

async function* nothing(): AsyncGenerator<Uint8Array> {}

/** The run has ended when its answer has. */
async function* followed(rest: AsyncIterable<Uint8Array>, timer: NodeJS.Timeout): AsyncGenerator<Uint8Array> {
  try {
    yield* rest;
  } finally {
    clearTimeout(timer);
  }
}

async function begin(loaded: Loaded, { envelope, raw, attempt }: Delivered, host: Host): Promise<Answer> {
  const { handler, path, version, event, http, takesStreams: inPieces } = loaded;
  if (event !== 'mesh' || envelope.meta.source === 'lambda') {
    const asked = { path, version, envelope, raw, attempt, now: Date.now(), http, inPieces };
    return runShaped(event, handler, asked, host);
  }
  const built = inPieces
    ? (buildStreamedEvent(path, envelope, once(raw)) as unknown as HandlerEvent)
    : await buildEvent(path, envelope, raw);
  return runHandler(handler, built, host);
}

const hostOf = (
  { version }: Loaded,
  { deadline, log }: LambdaRun,
  { envelope, attempt }: Delivered,
  signal: AbortSignal,
): Host => ({
  version,
  attempt,
  deadline,
  signal,
  log: (level, message, fields) => log(level, envelope.id, message, fields),
  call: () => Promise.reject(new MeshError('no-route', 'There is no mesh where this handler runs.')),
});
