import { type Explained, explainDuplicates, type Relevance } from './explain.ts';
import type { Fault, Ledger, Run, Sent } from './ledger.ts';

export type Fate =
  | 'succeeded'
  | 'dead-lettered'
  /** The caller of a call was told the handler's no. */
  | 'refused'
  /** Its producer never saw an acknowledgement: either fate would have been right. */
  | 'unacknowledged'
  /** Accepted, and at the end still in a stream or queue. */
  | 'stuck'
  /** Accepted, and nowhere any more. */
  | 'lost';

export const FATES: readonly Fate[] = [
  'succeeded',
  'dead-lettered',
  'refused',
  'unacknowledged',
  'stuck',
  'lost',
];

/** All that was found when everything was quiet, or when patience ended. */
export interface Findings {
  readonly runs: ReadonlyMap<string, readonly Run[]>;
  /** Ids in dead letters, of the mesh or of a queue. */
  readonly dead: ReadonlySet<string>;
  /** Whether anything still lies in a stream or queue, by source. */
  readonly backlog: ReadonlyMap<string, number>;
  readonly faults: readonly Fault[];
}

export interface Account {
  readonly events: number;
  readonly sends: number;
  readonly fates: Record<Fate, number>;
  readonly bySource: Record<string, Record<Fate, number>>;
  readonly lost: readonly string[];
  readonly stuck: readonly string[];
  /** Runs beyond the first of their event, by source and cause: `mqtt1: kill ingress-mqtt-1`. */
  readonly duplicates: Record<string, number>;
  readonly unexplained: readonly Explained[];
  /** Dead letters of events whose handler had nothing against them: what failed too often, for faults or for a bug. */
  readonly deadWithoutReason: readonly string[];
  /** Events that ran before one that was sent before them, where the order must be kept. */
  readonly outOfOrder: readonly string[];
  /** Runs of ids that nobody sent. */
  readonly unknown: readonly string[];
}

/** What became of each event. Every event has exactly one fate. */
export function account(ledger: Ledger, findings: Findings, relevance: Relevance): Account {
  const fates = new Map([...ledger.values()].map((sent) => [sent.id, fateOf(sent, findings)]));
  const of = (fate: Fate) => [...fates].filter(([, one]) => one === fate).map(([id]) => id);
  const explained = explainDuplicates(ledger, findings.runs, findings.faults, relevance);
  return {
    events: ledger.size,
    sends: [...ledger.values()].reduce((sum, { sends }) => sum + sends.length, 0),
    fates: countBy([...fates.values()]),
    bySource: bySource(ledger, fates),
    lost: of('lost'),
    stuck: of('stuck'),
    duplicates: tally(explained.map(({ source, cause }) => `${source}: ${cause ?? 'unexplained'}`)),
    unexplained: explained.filter(({ cause }) => cause === undefined),
    deadWithoutReason: of('dead-lettered').filter((id) =>
      ['ok', 'slow', 'flaky'].includes(ledger.get(id)?.behaviour ?? ''),
    ),
    outOfOrder: outOfOrder(ledger, findings),
    unknown: [...findings.runs.keys()].filter((id) => !ledger.has(id)),
  };
}

/** Whether nothing is wrong. */
export const isClean = ({ lost, stuck, unexplained, outOfOrder, unknown }: Account): boolean =>
  [lost, stuck, unexplained, outOfOrder, unknown].every(({ length }) => length === 0);

export function fateOf(sent: Sent, { runs, dead, backlog }: Omit<Findings, 'faults'>): Fate {
  if (runs.has(sent.id)) return 'succeeded';
  if (dead.has(sent.id)) return 'dead-lettered';
  if (sent.refused) return 'refused';
  if (sent.acked === undefined) return 'unacknowledged';
  return (backlog.get(sent.source) ?? 0) > 0 ? 'stuck' : 'lost';
}

function bySource(ledger: Ledger, fates: ReadonlyMap<string, Fate>): Record<string, Record<Fate, number>> {
  const grouped = Map.groupBy(ledger.values(), ({ source }) => source);
  return Object.fromEntries(
    [...grouped].map(([source, events]) => [source, countBy(events.map(({ id }) => fates.get(id) as Fate))]),
  );
}

function countBy(fates: readonly Fate[]): Record<Fate, number> {
  const counts = Object.fromEntries(FATES.map((fate) => [fate, 0])) as Record<Fate, number>;
  for (const fate of fates) counts[fate]++;
  return counts;
}

function tally(names: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const name of names) counts[name] = (counts[name] ?? 0) + 1;
  return counts;
}

/**
 * Within a lane each event is sent after the one before it was acknowledged, so their first runs must come in that
 * order too. What ran twice may run again later: that is a duplicate, not a disorder.
 */
function outOfOrder(ledger: Ledger, { runs }: Findings): string[] {
  const latest = new Map<string, number>();
  return [...ledger.values()].flatMap(({ id, source, lane }) => {
    const first = runs.get(id)?.[0];
    if (lane === undefined || !first) return [];
    const key = `${source}/${lane}`;
    const before = latest.get(key) ?? 0;
    latest.set(key, Math.max(before, first.at));
    return first.at < before ? [id] : [];
  });
}
