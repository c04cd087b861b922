import { DEFAULT_TIMEOUT_MS, type Limits } from '#contracts';

/** What the operator lets any handler have on this executor; a manifest may ask for less, he himself may give one more. */
export interface Ceilings {
  readonly timeoutMs: number;
  /** Runs at once of one version. */
  readonly concurrency: number;
  /** Calls that may wait behind them. */
  readonly queue: number;
  readonly workers: number;
  readonly warm: number;
  readonly memoryMb: number;
  /** Infinity: as many as the mesh carries. */
  readonly payloadBytes: number;
  /** Infinity: as many as come. */
  readonly ratePerSecond: number;
}

/** What one version has: every limit with its value. */
export interface Allowed extends Ceilings {
  /** How many may begin at once after a pause. */
  readonly burst: number;
}

/** One handler keeps one worker busy with many runs, and none while nobody calls, unless it says so. */
const WORKERS = 1;
const WARM = 0;

/**
 * @param own of the version: its manifest's, and where the operator has said something of the handler, that
 * @param operator what he has said, which none of his bounds for all handlers takes back
 * @param isProgram it has one run at a time in each of its workers, unless it says that it takes several: more would wait
 *   within it, on their own time
 */
export function allowedOf(
  own: Limits,
  operator: Limits | undefined,
  ceilings: Ceilings,
  isProgram = false,
): Allowed {
  const of = (name: keyof Ceilings, unstated = ceilings[name]): number =>
    operator?.[name] ?? Math.min(own[name] ?? unstated, ceilings[name]);
  const ratePerSecond = of('ratePerSecond');
  const workers = of('workers', WORKERS);
  return {
    timeoutMs: of('timeoutMs', DEFAULT_TIMEOUT_MS),
    concurrency: of('concurrency', isProgram ? workers : undefined),
    queue: of('queue'),
    workers,
    warm: Math.min(of('warm', WARM), workers),
    memoryMb: of('memoryMb'),
    payloadBytes: of('payloadBytes'),
    ratePerSecond,
    burst: own.burst ?? Math.max(1, Math.ceil(ratePerSecond)),
  };
}
