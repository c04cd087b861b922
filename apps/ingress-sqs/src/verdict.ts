import type { MeshError, OutcomeCode } from '#contracts';
import type { CallReply } from '#fabric';
import { readRetryAfter } from './back-off.js';
import { fromResult, type Settlement } from './from-result.js';
import type { InHand } from './in-hand.js';
import { failuresIn } from './records.js';

/** What is to become of a message, and why. */
export interface Verdict {
  readonly settlement: Settlement;
  readonly outcome: OutcomeCode;
  readonly fault?: MeshError;
  /** The version that ran. */
  readonly version?: string;
  /** Seconds before which the handler does not want it again. */
  readonly retryAfter?: number;
}

/** A message without a verdict was not run: it goes back, unless others have it already. */
export type Verdicts = ReadonlyMap<InHand, Verdict>;

export const isHeld = (verdicts: Verdicts): boolean =>
  [...verdicts.values()].some(({ settlement }) => settlement === 'hold');

/** A batch is judged message by message, if its handler says OK; else all of it is as its one call ended. */
export function verdictsOf(
  batch: readonly InHand[],
  { result, body }: CallReply,
  isBatch: boolean,
): Verdicts {
  const retryAfter = readRetryAfter(result.meta?.headers?.['retry-after']);
  const common = {
    ...(result.version === undefined ? {} : { version: result.version }),
    ...(retryAfter === undefined ? {} : { retryAfter }),
  };
  const verdict = { ...common, outcome: result.outcome, settlement: fromResult(result.outcome) };
  const failed = isBatch && result.outcome === 'ok' ? failuresIn(body, idsOf(batch)) : new Set<string>();
  const no = { ...common, outcome: 'failed', settlement: 'release' } as const;
  return new Map(batch.map((item) => [item, failed === 'all' || failed.has(item.id) ? no : verdict]));
}

const idsOf = (batch: readonly InHand[]): ReadonlySet<string> => new Set(batch.map(({ id }) => id));
