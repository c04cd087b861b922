import { describe, expect, it } from '@jest/globals';
import { account, type Findings, isClean } from '../chaos/account.ts';
import type { Relevance } from '../chaos/explain.ts';
import type { Fault, Ledger, Run, Sent } from '../chaos/ledger.ts';
import { readOptions, UsageError } from '../chaos/options.ts';
import { planFaults } from '../chaos/plan.ts';

/* The fault harness's own judgement: pure, and strict where a run must fail. */

/** Seconds after a moment that is none of this day's. */
const s = (seconds: number): number => 1_000_000_000_000 + seconds * 1_000;

const sent = (of: Partial<Sent> & { id: string }): Sent => ({
  source: 'http',
  behaviour: 'ok',
  once: false,
  sends: [{ at: s(0), ended: s(0.1) }],
  acked: s(0.1),
  ...of,
});
const ledgerOf = (...events: Sent[]): Ledger => new Map(events.map((event) => [event.id, event]));
const ran = (id: string, at: number, pid = 1): Run => ({ id, at, attempt: 1, pid });
const findings = (of: Partial<Findings> = {}): Findings => ({
  runs: new Map(),
  dead: new Set(),
  backlog: new Map(),
  faults: [],
  ...of,
});
const runsOf = (...runs: Run[]): Map<string, Run[]> => Map.groupBy(runs, ({ id }) => id);

/** Executors with pids 1 and 2; a queue between them and their producers; `work` knows what was sent again. */
const relevance: Relevance = {
  onTheWay: (source) => (source === 'http' ? ['ingress-http-1', 'nats'] : ['queue']),
  redeliver: (source) => (source === 'http' ? [] : ['queue', 'nats']),
  executorOf: (pid) => `executor-${pid}`,
  deduplicates: (source) => source === 'work',
};
const judge = (ledger: Ledger, of: Partial<Findings>) => account(ledger, findings(of), relevance);

describe('the fate of an event', () => {
  const one = (of: Partial<Sent>, found: Partial<Findings> = {}) => {
    const { fates } = judge(ledgerOf(sent({ id: 'a', ...of })), found);
    return Object.entries(fates).flatMap(([fate, count]) => (count > 0 ? [fate] : []));
  };

  it.each([
    ['ran', {}, { runs: runsOf(ran('a', s(1))) }, 'succeeded'],
    ['ran, though nobody was told', { acked: undefined }, { runs: runsOf(ran('a', s(1))) }, 'succeeded'],
    ['is a dead letter', {}, { dead: new Set(['a']) }, 'dead-lettered'],
    ['was answered with a no', { refused: true }, {}, 'refused'],
    ['was never acknowledged', { acked: undefined }, {}, 'unacknowledged'],
    ['lies somewhere', {}, { backlog: new Map([['http', 1]]) }, 'stuck'],
    ['was acknowledged and is nowhere', {}, {}, 'lost'],
    ['was acknowledged and lies where it cannot', {}, { backlog: new Map([['sqs', 1]]) }, 'lost'],
  ])('that %s', (_, of, found, fate) => {
    expect(one(of, found)).toEqual([fate]);
  });

  it('that is lost or stuck is no clean run', () => {
    const ledger = ledgerOf(sent({ id: 'a' }));
    expect(isClean(judge(ledger, { runs: runsOf(ran('a', s(1))) }))).toBe(true);
    expect(isClean(judge(ledger, {}))).toBe(false);
    expect(isClean(judge(ledger, { backlog: new Map([['http', 1]]) }))).toBe(false);
  });

  it('that nobody sent is no clean run', () => {
    const found = judge(ledgerOf(), { runs: runsOf(ran('x', s(1))) });
    expect([found.unknown, isClean(found)]).toEqual([['x'], false]);
  });
});

describe('an event that ran twice', () => {
  const twice = runsOf(ran('a', s(10)), ran('a', s(20), 2));
  const fault = (of: Partial<Fault>): Fault => ({
    kind: 'kill',
    target: 'nats',
    from: s(12),
    until: s(13),
    ...of,
  });
  const causes = (faults: Fault[], of: Partial<Sent> = {}) =>
    judge(ledgerOf(sent({ id: 'a', source: 'sqs', ...of })), { runs: twice, faults }).duplicates;

  it.each([
    ['nobody did anything', [], 'unexplained'],
    ['NATS was killed in between', [fault({})], 'kill nats'],
    ['its executor was', [fault({ target: 'executor-1' })], 'kill executor-1'],
    ['the executor of the second run was', [fault({ target: 'executor-2' })], 'kill executor-2'],
    ['an executor that had no part in it was', [fault({ target: 'executor-3' })], 'unexplained'],
    ['the ingress of another source was', [fault({ target: 'ingress-sqs-1' })], 'unexplained'],
    ['it was over long before', [fault({ from: s(1), until: s(2) })], 'unexplained'],
    ['it was not over when it began', [fault({ from: s(1), until: s(9) })], 'kill nats'],
    ['it came later', [fault({ from: s(21), until: s(22) })], 'unexplained'],
    ['it is not over', [fault({ until: undefined })], 'kill nats'],
    [
      'another was short, and later',
      [fault({ target: 'executor-1', until: s(18) }), fault({ from: s(19), until: s(19) })],
      'kill executor-1',
    ],
  ])('while %s', (_, faults, cause) => {
    expect(causes(faults)).toEqual({ [`sqs: ${cause}`]: 1 });
  });

  const resent = [
    { at: s(9), ended: s(14), fault: 'socket hang up' },
    { at: s(15), ended: s(16) },
  ];
  it('because its producer had reason to send it again', () => {
    expect(causes([fault({ target: 'ingress-http-1' })], { sends: resent, source: 'http' })).toEqual({
      'http: sent again after kill ingress-http-1': 1,
    });
  });

  it('because its producer sent it again without a reason is unexplained', () => {
    expect(causes([], { sends: resent })).toEqual({ 'sqs: unexplained': 1 });
    expect(causes([fault({ target: 'ingress-http-1' })], { sends: resent })).toEqual({
      'sqs: unexplained': 1,
    });
  });

  it('though nobody but its caller repeats a call', () => {
    expect(causes([fault({})], { source: 'http' })).toEqual({ 'http: unexplained': 1 });
  });

  it('though what is sent again there is recognised', () => {
    const faults = [fault({ target: 'ingress-http-1' })];
    expect(causes(faults, { sends: resent, source: 'work' })).toEqual({ 'work: unexplained': 1 });
    expect(isClean(judge(ledgerOf(sent({ id: 'a' })), { runs: twice }))).toBe(false);
  });
});

describe('events that must keep their order', () => {
  const [a, b] = ['a', 'b'].map((id) => sent({ id, lane: 1 })) as [Sent, Sent];

  it('may be repeated later, and may not be overtaken', () => {
    const inOrder = runsOf(ran('a', s(1)), ran('b', s(2)), ran('a', s(3)));
    expect(judge(ledgerOf(a, b), { runs: inOrder }).outOfOrder).toEqual([]);
    const overtaken = judge(ledgerOf(a, b), { runs: runsOf(ran('a', s(2)), ran('b', s(1))) });
    expect([overtaken.outOfOrder, isClean(overtaken)]).toEqual([['b'], false]);
    const elsewhere = sent({ id: 'b', lane: 2 });
    expect(
      judge(ledgerOf(a, elsewhere), { runs: runsOf(ran('a', s(2)), ran('b', s(1))) }).outOfOrder,
    ).toEqual([]);
  });
});

describe('the plan of faults', () => {
  const targets = { kill: ['a', 'b', 'c'], freeze: ['a', 'd'], cut: [] };
  const options = { seed: 4, seconds: 100, kills: 7, freezes: 2, cuts: 5 };

  it('is the same for the same seed, and another for another', () => {
    expect(planFaults(options, targets)).toEqual(planFaults(options, targets));
    expect(planFaults(options, targets)).not.toEqual(planFaults({ ...options, seed: 5 }, targets));
  });

  it('leaves nobody out, and begins and ends in calm', () => {
    const plan = planFaults(options, targets);
    const kills = plan.filter(({ kind }) => kind === 'kill');
    expect(
      kills
        .map(({ target }) => target)
        .sort()
        .join(''),
    ).toMatch(/^a{2,3}b{2,3}c{2,3}$/);
    expect(
      plan
        .filter(({ kind }) => kind === 'freeze')
        .map(({ target }) => target)
        .sort(),
    ).toEqual(['a', 'd']);
    expect(plan).toHaveLength(9);
    for (const { at } of plan) expect(at > 5_000 && at < 95_000).toBe(true);
  });
});

describe('the options of a run', () => {
  it('have a short form by default, and grow with the events', () => {
    expect(readOptions([], true)).toMatchObject({
      events: 4_000,
      seconds: 60,
      kills: 9,
      broker: 'mosquitto',
    });
    const long = readOptions(['--events', '100000', '--kills', '60', '--seed', '3'], false);
    expect(long).toMatchObject({ seconds: 667, kills: 60, freezes: 20, cuts: 20, seed: 3, broker: 'nats' });
  });

  it.each([['--kills', '-1'], ['--events', 'many'], ['--sabotage', 'all'], ['--nonsense']])(
    'refuse %s %s',
    (...args) => {
      expect(() => readOptions(args, true)).toThrow(UsageError);
    },
  );
});
