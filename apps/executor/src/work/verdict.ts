import {
  DEFAULT_ATTEMPTS,
  DEFAULT_BACKOFF_MS,
  type DeadReason,
  ERRORS,
  type ErrorCode,
  type WorkSettings,
} from '#contracts';
import type { Outcome } from '#handler/runtime';
import { retryAfterOf } from './retry-after.js';

/** What becomes of work after a run. */
export type Verdict =
  | { readonly end: 'done' }
  | { readonly end: 'dead'; readonly reason: DeadReason }
  /** It counts as an attempt. `crashed`: its worker ended with it, perhaps because of it. */
  | { readonly end: 'retry'; readonly delayMs: number; readonly crashed: boolean }
  /** The fault was the mesh's: it does not count. */
  | { readonly end: 'again'; readonly delayMs: number };

const MAX_BACKOFF_MS = 300_000;
const FIRST_AGAIN_MS = 500;
const MAX_AGAIN_MS = 30_000;

/** Of the version, not of the event: a version that is mended or taken back makes the same event succeed. */
const DEPLOYMENT: ReadonlySet<string> = new Set<ErrorCode>([
  'load-failed',
  'no-handler',
  'path-mismatch',
  'unsupported-runtime',
]);

/** What was known of the work when it ran. */
export interface Trial {
  /** 1 for the first; of those that count. */
  readonly attempt: number;
  /** Of the stream, whatever became of it. */
  readonly deliveries: number;
  readonly settings: WorkSettings | undefined;
}

export function verdictOf(
  outcome: Outcome,
  trial: Trial,
  now = Date.now(),
  random: () => number = Math.random,
): Verdict {
  const code = outcome.outcome;
  // Cancelled: nobody wants it any more, and who asked for that was told.
  if (code === 'ok' || code === 'cancelled') return { end: 'done' };
  const askedMs = retryAfterOf(outcome, now);
  if (code === 'failed')
    return askedMs === undefined ? { end: 'dead', reason: code } : counted(code, trial, askedMs, random);
  const { fault, retry } = ERRORS[code];
  // Of the mesh's own errors only one says when: there is no worker now, so the handler was not run.
  if (askedMs !== undefined && code !== 'handler-error')
    return { end: 'again', delayMs: spread(askedMs, random) };
  if (retry === 'never' && !DEPLOYMENT.has(code)) return { end: 'dead', reason: code };
  if (fault === 'mesh' && code !== 'internal')
    return { end: 'again', delayMs: doubled(FIRST_AGAIN_MS, trial.deliveries, MAX_AGAIN_MS, random) };
  return counted(code, trial, askedMs, random);
}

function counted(
  code: 'failed' | ErrorCode,
  { attempt, settings }: Trial,
  askedMs: number | undefined,
  random: () => number,
): Verdict {
  const crashed = code === 'worker-crashed';
  if (attempt >= (settings?.attempts ?? DEFAULT_ATTEMPTS))
    return { end: 'dead', reason: crashed ? 'crashed' : code };
  const wait = backoff(attempt, settings?.backoffMs ?? DEFAULT_BACKOFF_MS, random);
  const delayMs = askedMs === undefined ? wait : Math.max(wait, spread(askedMs, random));
  return { end: 'retry', delayMs, crashed };
}

/** Never earlier than was asked; spread, since many were told the same. */
const spread = (askedMs: number, random: () => number): number => askedMs * (1 + random() / 10);

/** Full jitter: the mean is half the longest, and those that failed together do not come together again. */
const backoff = (attempt: number, firstMs: number, random: () => number): number =>
  Math.max(1, Math.min(firstMs * 2 ** (attempt - 1), MAX_BACKOFF_MS) * random());

/** Half of it is certain, half is jitter. */
export const doubled = (firstMs: number, nth: number, mostMs: number, random: () => number): number =>
  Math.min(firstMs * 2 ** Math.min(nth - 1, 20), mostMs) * (0.5 + random() / 2);
