import { pairedRatio, spread } from '../measure/statistics.mjs';

const TARGET = 0.5;
const MOST = 2;

/** Records a second for each contender, and the registry's share of each other's in the same round. */
export function summarize(results) {
  const of = (key) => results.filter((result) => result.key === key).map(({ perSecond }) => perSecond);
  const ratio = (key) => pairedRatio(of('registry'), of(key));
  return {
    perSecond: Object.fromEntries(['registry', 'copy', 'bare'].map((key) => [key, spread(of(key))])),
    ratios: { copy: ratio('copy'), bare: ratio('bare') },
    target: TARGET,
    met: ratio('copy').median >= TARGET,
  };
}

export function render({ machine, count, rounds, intake, sizes, queries }) {
  const lines = [
    `${machine.cores} cores (${machine.model}), node ${machine.node}, load before ${machine.loadBefore.toFixed(2)}`,
    '',
    `Intake of ${count} invocation records, ${rounds} rounds, interleaved. Medians [quartiles].`,
    ...Object.entries(intake.perSecond).map(([key, s]) => `  ${key.padEnd(9)} ${text(s, 0)} records/s`),
    `  registry / copy  ${text(intake.ratios.copy, 2)}  (at least ${TARGET}: ${intake.met ? 'met' : 'NOT met'})`,
    `  registry / bare  ${text(intake.ratios.bare, 2)}`,
  ];
  if (queries) lines.push('', ...queryLines(sizes, queries));
  return lines.join('\n');
}

function queryLines(sizes, queries) {
  const head = `A page of ${100}: median ms over ${sizes.join(' and ')} records of the same days (at most ${MOST} times).`;
  const rows = queries.map(
    ({ name, ms, ratio }) =>
      `  ${name.padEnd(26)} ${ms.map((value) => value.toFixed(2).padStart(8)).join('')}   ${ratio.toFixed(2)}${ratio > MOST ? '  NOT met' : ''}`,
  );
  const plans = queries.flatMap(({ name, plan }) => ['', `${name}:`, ...plan.map((line) => `  ${line}`)]);
  return [
    head,
    ...rows,
    '',
    'Plans over the larger table, without partitions that were not opened:',
    ...plans,
  ];
}

const text = ({ median, low, high }, digits) =>
  `${median.toFixed(digits)} [${low.toFixed(digits)} ${high.toFixed(digits)}]`;
