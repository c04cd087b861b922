import { pairedRatio, spread } from '../measure/statistics.mjs';
import { table, text } from '../measure/table.mjs';
import { RATIOS, TARGETS } from './contenders.mjs';

const ROLES = ['ingress', 'nats', 'executor', 'sum'];
/** What is compared of a measurement, and whether a greater one is the better. */
const FIGURES = {
  cpu: { read: ({ cpu }) => cpu.sum, best: Math.min, title: 'CPU a request' },
  perSecond: { read: ({ perSecond }) => perSecond, best: Math.max, title: 'requests/s' },
  alone: { read: ({ alone }) => alone, best: Math.min, title: 'p50 of one connection' },
};

/** What the rounds say: a spread for each contender and figure, the ratios of each round, and what was promised of them. */
export function summarize(contenders, results) {
  const of = (key) => results.filter((result) => result.key === key).sort((a, b) => a.round - b.round);
  const isHere = (key) => contenders.some((contender) => contender.key === key);
  const hasAlone = results.every(({ alone }) => alone !== undefined);
  return {
    contenders: contenders.map(({ key, title }) => ({ key, title, ...figuresOf(of(key), hasAlone) })),
    ratios: RATIOS.filter((pair) => pair.every(isHere)).map((pair) => ratioOf(pair, of, hasAlone)),
    targets: TARGETS.filter(({ of: one, to }) => [one, ...to].every(isHere))
      .filter(({ figure }) => hasAlone || figure !== 'alone')
      .map((target) => heldAgainst(target, of)),
  };
}

function figuresOf(rounds, hasAlone) {
  const over = (read) => spread(rounds.map(read));
  const roles = ROLES.filter((role) => role in rounds[0].cpu);
  return {
    perSecond: over(({ perSecond }) => perSecond),
    p50: over(({ p50 }) => p50),
    p99: over(({ p99 }) => p99),
    ...(hasAlone ? { alone: over(({ alone }) => alone) } : {}),
    requests: rounds.reduce((sum, { requests }) => sum + requests, 0),
    cpu: Object.fromEntries(roles.map((role) => [role, over(({ cpu }) => cpu[role])])),
  };
}

function ratioOf([one, to], of, hasAlone) {
  const figures = Object.keys(FIGURES).filter((figure) => hasAlone || figure !== 'alone');
  const ratios = figures.map((figure) => [figure, ratio(figure, of(one), [of(to)])]);
  return { of: one, to, ...Object.fromEntries(ratios) };
}

function heldAgainst({ figure, of: one, to, atMost, atLeast }, of) {
  const measured = ratio(figure, of(one), to.map(of));
  const met = atMost === undefined ? measured.median >= atLeast : measured.median <= atMost;
  return { figure, of: one, to, atMost, atLeast, measured, met };
}

/** @param others rounds of each of those of which the best of the round counts */
function ratio(figure, ones, others) {
  const { read, best } = FIGURES[figure];
  const bests = ones.map((_, round) => best(...others.map((rounds) => read(rounds[round]))));
  return pairedRatio(ones.map(read), bests);
}

/** The summary for people: medians, with quartiles in brackets. */
export function render({ machine, load, summary }) {
  return [
    `${machine.cores} cores (${machine.model}; governor ${machine.governor}), node ${machine.node}, ` +
      `load before ${machine.loadBefore.toFixed(2)}`,
    `${load.rounds} rounds of ${load.seconds} s, ${load.connections} connections, and ${load.alone} s of one ` +
      'connection alone; GET, small JSON; no error. Medians [quartiles].',
    '',
    ...table(
      ['', '', 'requests/s', 'p50 ms', 'p99 ms', 'alone: p50 ms', 'CPU µs/request', ...ROLES.slice(0, 3)],
      summary.contenders.map(contenderRow),
    ),
    '',
    'Paired ratios, round by round:',
    ...table(['', ...Object.values(FIGURES).map(({ title }) => title)], summary.ratios.map(ratioRow)),
    '',
    'Held against what is promised:',
    ...table(['', '', '', ''], summary.targets.map(targetRow)).slice(1),
  ].join('\n');
}

function contenderRow({ key, title, perSecond, p50, p99, alone, cpu }) {
  const roles = ROLES.slice(0, 3).map((role) => (cpu[role] ? cpu[role].median.toFixed(1) : ''));
  const latency = alone ? text(alone, 3) : '';
  return [key, title, text(perSecond, 0), text(p50, 2), text(p99, 2), latency, text(cpu.sum, 1), ...roles];
}

const ratioRow = ({ of, to, ...ratios }) => [
  `${of} / ${to}`,
  ...Object.keys(FIGURES).map((figure) => (ratios[figure] ? text(ratios[figure], 2) : '')),
];

function targetRow({ figure, of, to, atMost, atLeast, measured, met }) {
  const promise = atMost === undefined ? `at least ${atLeast}` : `at most ${atMost}`;
  const others = to.length > 1 ? `the better of ${to.join(', ')}` : to[0];
  return [
    FIGURES[figure].title,
    `${of} / ${others}`,
    text(measured, 2),
    `${promise}: ${met ? 'met' : 'MISSED'}`,
  ];
}
