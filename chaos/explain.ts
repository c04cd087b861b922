import type { Fault, Ledger, Run, Send, Sent } from './ledger.ts';

/** Which units can be to blame for a second run of a source's events. */
export interface Relevance {
  /** Units that an event passes until it is acknowledged: for their faults a producer sends again. */
  onTheWay(source: string): readonly string[];
  /** Units, beside executors, whose faults make a delivery be repeated without its producer: none for calls. */
  redeliver(source: string): readonly string[];
  /** The executor that had this pid then; undefined for a stranger. */
  executorOf(pid: number, at: number): string | undefined;
  /** Whether the source's acceptance de-duplicates: the same id sent again is the same event. */
  deduplicates(source: string): boolean;
}

/** A second run of an event, and why there was one. */
export interface Explained {
  readonly id: string;
  readonly source: string;
  readonly first: Run;
  readonly second: Run;
  /** `kill executor-1`, `sent again after freeze nats`; absent: nobody knows. */
  readonly cause?: string;
}

/**
 * A connection that was broken, or a process that is back, has its effects for a moment longer: replies that were on
 * their way, deliveries that had been handed out.
 */
const AFTERMATH_MS = 2_000;
/** An event is on its way before its handler writes down when it began. */
const LEAD_MS = 1_000;

/** Every run beyond the first of its event, each with its cause. */
export function explainDuplicates(
  ledger: Ledger,
  runs: ReadonlyMap<string, readonly Run[]>,
  faults: readonly Fault[],
  relevance: Relevance,
): Explained[] {
  return [...runs].flatMap(([id, list]) => {
    const sent = ledger.get(id);
    if (!sent || list.length < 2) return [];
    return list.slice(1).map((second, index) => {
      const first = list[index] as Run;
      const cause = causeOf(sent, first, second, index + 1, faults, relevance);
      return { id, source: sent.source, first, second, ...(cause === undefined ? {} : { cause }) };
    });
  });
}

function causeOf(
  sent: Sent,
  first: Run,
  second: Run,
  earlierRuns: number,
  faults: readonly Fault[],
  relevance: Relevance,
): string | undefined {
  const again = relevance.deduplicates(sent.source) ? undefined : resend(sent, second, earlierRuns);
  if (again) return causeOfResend(again, sent.source, second, faults, relevance);
  const redeliver = relevance.redeliver(sent.source);
  if (redeliver.length === 0) return undefined;
  const executors = [first, second].map(({ pid, at }) => relevance.executorOf(pid, at));
  const concerned = new Set([...redeliver, ...executors]);
  const fault = faultBetween(first.at - LEAD_MS, second.at, faults, concerned);
  return fault && nameOf(fault);
}

/** That it was sent again is the nearer cause; but its producer must have had a reason that lies in a fault. */
function causeOfResend(
  again: Send,
  source: string,
  second: Run,
  faults: readonly Fault[],
  relevance: Relevance,
): string | undefined {
  const concerned = new Set(relevance.onTheWay(source));
  const reason = faultBetween(again.at - LEAD_MS, again.ended ?? second.at, faults, concerned);
  return reason && `sent again after ${nameOf(reason)}`;
}

/** The failed try before the one that made this run possible; undefined when there were no more tries than runs. */
function resend({ sends }: Sent, second: Run, earlierRuns: number): Send | undefined {
  const begun = sends.filter(({ at }) => at <= second.at);
  return begun.length > earlierRuns ? begun[begun.length - 2] : undefined;
}

const nameOf = ({ kind, target }: Fault): string => `${kind} ${target}`;

/** Of the faults of those concerned the one that overlaps this time for longest, with what came of it afterwards. */
export function faultBetween(
  from: number,
  to: number,
  faults: readonly Fault[],
  concerned: ReadonlySet<string | undefined>,
): Fault | undefined {
  let [found, longest]: [Fault | undefined, number] = [undefined, -1];
  for (const fault of faults) {
    const until = (fault.until ?? Number.POSITIVE_INFINITY) + AFTERMATH_MS;
    const overlap = Math.min(to, until) - Math.max(from, fault.from);
    if (!concerned.has(fault.target) || overlap <= longest || overlap < 0) continue;
    [found, longest] = [fault, overlap];
  }
  return found;
}
