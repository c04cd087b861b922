import { type Account, FATES, isClean } from './account.ts';
import type { Fault, Ledger } from './ledger.ts';
import type { Options } from './options.ts';

/** What a run has shown. */
export interface Report {
  readonly clean: boolean;
  readonly seed: number;
  readonly seconds: number;
  readonly account: Account;
  readonly faults: {
    readonly kills: Record<string, number>;
    readonly freezes: number;
    readonly cuts: number;
  };
  /** Processes that ended though nobody ended them. */
  readonly ends: readonly string[];
  /** What a producer was promised beside the acknowledgement, and did not get. */
  readonly broken: readonly string[];
  /** Why producers got no acknowledgement, and how often. */
  readonly refusals: Record<string, number>;
  /** Who was stuck; absent: nobody. */
  readonly stuck?: string;
}

export interface Outcome {
  readonly options: Options;
  readonly account: Account;
  readonly faults: readonly Fault[];
  readonly ledger: Ledger;
  readonly seconds: number;
  readonly stuck: string | undefined;
  readonly broken: readonly string[];
}

export function reportOf({ options, account, faults, ledger, seconds, stuck, broken }: Outcome): Report {
  const of = (kind: Fault['kind']) => faults.filter((fault) => fault.kind === kind);
  const ends = of('end').map(({ target }) => target);
  return {
    clean: isClean(account) && [...ends, ...broken].length === 0 && stuck === undefined,
    seed: options.seed,
    seconds: Math.round(seconds),
    account,
    faults: {
      kills: tally(of('kill').map(({ target }) => target)),
      freezes: of('freeze').length,
      cuts: of('cut').length,
    },
    ends,
    broken,
    refusals: refusalsOf(ledger),
    ...(stuck === undefined ? {} : { stuck }),
  };
}

export function textOf(report: Report): string {
  const { account, faults, ends, stuck } = report;
  const kills = Object.values(faults.kills).reduce((sum, count) => sum + count, 0);
  return [
    tableOf(account),
    '',
    `${account.events} events, ${account.sends} times sent, in ${report.seconds} s, seed ${report.seed}`,
    `Faults: ${kills} kills (${list(faults.kills)}), ${faults.freezes} freezes, ${faults.cuts} cuts`,
    `Runs beyond the first: ${list(account.duplicates) || 'none'}`,
    `Not acknowledged because: ${list(report.refusals) || 'never'}`,
    ...(account.deadWithoutReason.length === 0
      ? []
      : [`Dead letters of events that should have run: ${account.deadWithoutReason.join(', ')}`]),
    ...failuresOf(account),
    ...report.broken.slice(0, 20).map((what) => `NO RESULT: ${what}`),
    ...ends.map((name) => `ENDED BY ITSELF: ${name}`),
    ...(stuck === undefined ? [] : ['NEVER QUIET', stuck]),
    report.clean ? 'Clean: nothing lost, nothing stuck, every repetition explained.' : 'FAILED',
  ].join('\n');
}

function tableOf({ bySource, fates }: Account): string {
  const rows = [...Object.entries(bySource), ['all', fates] as const];
  const cells = [
    ['source', ...FATES],
    ...rows.map(([name, counts]) => [name, ...FATES.map((fate) => String(counts[fate]))]),
  ];
  return cells
    .map((row) => row.map((cell, n) => (n === 0 ? cell.padEnd(8) : cell.padStart(15))).join(''))
    .join('\n');
}

function failuresOf(account: Account): string[] {
  const { lost, stuck, unexplained, outOfOrder, unknown } = account;
  const line = (what: string, ids: readonly string[]) =>
    ids.length === 0 ? [] : [`${what}: ${ids.length}: ${ids.slice(0, 20).join(', ')}`];
  return [
    ...line('LOST', lost),
    ...line('STUCK', stuck),
    ...line(
      'UNEXPLAINED REPETITIONS',
      unexplained.map(
        ({ id, first, second }) =>
          `${id} (pid ${first.pid} at ${time(first.at)}, pid ${second.pid} at ${time(second.at)})`,
      ),
    ),
    ...line('OUT OF ORDER', outOfOrder),
    ...line('RUN, BUT NEVER SENT', unknown),
  ];
}

const time = (at: number): string => new Date(at).toISOString().slice(11, 23);

function refusalsOf(ledger: Ledger): Record<string, number> {
  const faults = [...ledger.values()].flatMap(({ source, sends }) =>
    sends.flatMap(({ fault }) => (fault === undefined ? [] : [`${source}: ${fault}`])),
  );
  return tally(faults);
}

function tally(names: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const name of names) counts[name] = (counts[name] ?? 0) + 1;
  return counts;
}

const list = (counts: Record<string, number>): string =>
  Object.entries(counts)
    .sort(([, a], [, b]) => b - a)
    .map(([name, count]) => `${name} ${count}`)
    .join(', ');
