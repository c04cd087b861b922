import { pairedRatio, spread } from '../measure/statistics.mjs';
import { table, text } from '../measure/table.mjs';

/** What the project promises: the median of the ratios, version by version. */
const TARGETS = [
  { of: 'thread', to: 'bare thread', atMost: 1.3 },
  { of: 'process', to: 'bare process', atMost: 1.3 },
];

export function summarize(keys, results) {
  const of = (key) => results.filter((result) => result.key === key).map(({ ms }) => ms);
  return {
    contenders: keys.map((key) => ({ key, ms: spread(of(key)), worst: Math.max(...of(key)) })),
    targets: TARGETS.filter(({ to }) => keys.includes(to)).map((target) => {
      const measured = pairedRatio(of(target.of), of(target.to));
      return { ...target, measured, met: measured.median <= target.atMost };
    }),
  };
}

/** The summary for people: medians, with quartiles in brackets. */
export function render({ machine, load, summary }) {
  return [
    `${machine.cores} cores (${machine.model}; governor ${machine.governor}), node ${machine.node}, ` +
      `load before ${machine.loadBefore.toFixed(2)}`,
    `${load.versions} versions that were never loaded, ${load.lines} lines of code each. Medians [quartiles].`,
    '',
    ...table(
      ['', 'first answer, ms', 'slowest'],
      summary.contenders.map(({ key, ms, worst }) => [key, text(ms, 1), worst.toFixed(1)]),
    ),
    '',
    'Paired ratios, version by version:',
    ...summary.targets.map(
      ({ of, to, measured, atMost, met }) =>
        `${of} / ${to}  ${text(measured, 2)}  at most ${atMost}: ${met ? 'met' : 'MISSED'}`,
    ),
  ].join('\n');
}
