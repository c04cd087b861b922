import { pairedRatio, spread } from '../measure/statistics.mjs';
import { table, text } from '../measure/table.mjs';
import { WITHOUT_SPARES } from './mesh.mjs';

/** What is compared, version by version, and what the project promises of the median. */
const RATIOS = [
  { of: 'thread', to: 'bare thread', atMost: 1.3 },
  { of: WITHOUT_SPARES, to: 'bare thread' },
  { of: 'process', to: 'bare process' },
];

export function summarize(keys, results) {
  const of = (key) => results.filter((result) => result.key === key).map(({ ms }) => ms);
  return {
    contenders: keys.map((key) => ({ key, ms: spread(of(key)), worst: Math.max(...of(key)) })),
    ratios: RATIOS.filter(({ to }) => keys.includes(to)).map((ratio) => {
      const measured = pairedRatio(of(ratio.of), of(ratio.to));
      return { ...ratio, measured, met: ratio.atMost && measured.median <= ratio.atMost };
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
    ...table(['', '', ''], summary.ratios.map(ratioRow)).slice(1),
  ].join('\n');
}

function ratioRow({ of, to, measured, atMost, met }) {
  const promise = atMost === undefined ? '' : `at most ${atMost}: ${met ? 'met' : 'MISSED'}`;
  return [`${of} / ${to}`, text(measured, 2), promise];
}
