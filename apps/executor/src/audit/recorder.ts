import type { HeaderMap, InvocationRecord, OutcomeCode } from '#contracts';
import type { Lane, Outbox } from './outbox.js';
import { originOf } from './what-headers-say.js';

/** A batch is sealed when it has so many records, or after so long, ms. */
const BATCH_RECORDS = 500;
const BATCH_MS = 200;
/** Longest wait at the end, ms. */
const FLUSH_MS = 5_000;

/** One run of a handler, as the intake sees it. */
export interface Run {
  readonly id: string;
  readonly path: string;
  /** Absent when none ran. */
  readonly version: string | undefined;
  readonly status: number;
  readonly outcome: OutcomeCode;
  /** ms */
  readonly duration: number;
  readonly attempt: number;
}

/**
 * Records of what ran, gathered into batches. A call pays for a few fields and a push; all else is done once a batch.
 *
 *   record → (sampled) → batch of its lane → outbox → stream AUDIT → registry
 */
export class Recorder {
  readonly #batches: Record<Lane, InvocationRecord[]> = { ok: [], error: [] };
  #timer: NodeJS.Timeout | undefined;

  /** @param sample share of the runs that went OK to keep, 0 to 1; all others are kept */
  constructor(
    private readonly outbox: Outbox,
    private readonly sample: number,
    private readonly random: () => number = Math.random,
  ) {}

  record(run: Run, headers: HeaderMap): void {
    const lane = run.outcome === 'ok' ? 'ok' : 'error';
    if (lane === 'ok' && this.sample < 1 && this.random() >= this.sample) return;
    const batch = this.#batches[lane];
    batch.push(recordOf(run, headers));
    if (batch.length >= BATCH_RECORDS) this.#seal(lane);
    else this.#timer ??= setTimeout(() => this.#sealAll(), BATCH_MS);
  }

  /** Sends what there is; call it when nothing runs any more. @returns records that were lost */
  async flush(): Promise<number> {
    this.#sealAll();
    return this.outbox.flush(FLUSH_MS);
  }

  #sealAll(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#seal('error');
    this.#seal('ok');
  }

  #seal(lane: Lane): void {
    this.outbox.add(lane, this.#batches[lane]);
    this.#batches[lane] = [];
  }
}

function recordOf(run: Run, headers: HeaderMap): InvocationRecord {
  const { id, path, version, status, outcome, duration, attempt } = run;
  const { source, caller, traceId } = originOf(headers);
  return {
    id,
    path,
    version,
    source,
    status,
    outcome,
    startedAt: Math.round((Date.now() - duration) * 1_000),
    duration: Math.round(duration * 1_000),
    attempt,
    traceId,
    caller,
  };
}
