import { pairedRatio, spread } from '../measure/statistics.mjs';
import { table, text } from '../measure/table.mjs';
import { RATIOS } from './contenders.mjs';

const ROLES = ['ingress', 'nats', 'executor', 'sum'];

/** What the rounds say: a spread for each contender and figure, and the spread of the ratios of each round. */
export function summarize(contenders, results) {
  const of = (key) => results.filter((result) => result.key === key).sort((a, b) => a.round - b.round);
  const figures = contenders.map(({ key, title }) => ({ key, title, ...figuresOf(of(key)) }));
  const has = ({ of: one, to }) => [one, to].every((key) => contenders.some((known) => known.key === key));
  return { contenders: figures, ratios: RATIOS.filter(has).map((ratio) => ratioOf(ratio, of)) };
}

function figuresOf(rounds) {
  const over = (read) => spread(rounds.map(read));
  const roles = ROLES.filter((role) => role in rounds[0].cpu);
  return {
    perSecond: over(({ perSecond }) => perSecond),
    p50: over(({ p50 }) => p50),
    p99: over(({ p99 }) => p99),
    requests: rounds.reduce((sum, { requests }) => sum + requests, 0),
    cpu: Object.fromEntries(roles.map((role) => [role, over(({ cpu }) => cpu[role])])),
  };
}

function ratioOf({ of: one, to, atMost }, of) {
  const [ones, others] = [of(one), of(to)];
  const read = (figure) => pairedRatio(ones.map(figure), others.map(figure));
  const cpu = read((result) => result.cpu.sum);
  return {
    of: one,
    to,
    cpu,
    perSecond: read((result) => result.perSecond),
    ...(atMost === undefined ? {} : { atMost, met: cpu.median <= atMost }),
  };
}

/** The summary for people: medians, with quartiles in brackets. */
export function render({ machine, load, summary }) {
  return [
    `${machine.cores} cores (${machine.model}; governor ${machine.governor}), node ${machine.node}, ` +
      `load before ${machine.loadBefore.toFixed(2)}`,
    `${load.rounds} rounds of ${load.seconds} s, ${load.connections} connections, GET, small JSON; no error. ` +
      'Medians [quartiles].',
    '',
    ...table(
      ['', '', 'requests/s', 'p50 ms', 'p99 ms', 'CPU µs/request', ...ROLES.slice(0, 3)],
      summary.contenders.map(contenderRow),
    ),
    '',
    'Paired ratios, round by round:',
    ...table(['', 'CPU a request', '', 'requests/s', ''], summary.ratios.map(ratioRow)),
  ].join('\n');
}

function contenderRow({ key, title, perSecond, p50, p99, cpu }) {
  const roles = ROLES.slice(0, 3).map((role) => (cpu[role] ? cpu[role].median.toFixed(1) : ''));
  return [key, title, text(perSecond, 0), text(p50, 2), text(p99, 2), text(cpu.sum, 1), ...roles];
}

function ratioRow({ of, to, cpu, perSecond, atMost, met }) {
  const target = atMost === undefined ? '' : `at most ${atMost}: ${met ? 'met' : 'NOT MET'}`;
  return [`${of} / ${to}`, text(cpu, 2), target, text(perSecond, 2), ''];
}
