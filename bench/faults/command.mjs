import { machineFacts } from '../measure/machine.mjs';
import { table, text } from '../measure/table.mjs';
import { machineLine, target, targetLines } from '../measure/targets.mjs';
import { benchNeighbour } from './neighbour.mjs';
import { benchTrials } from './trials.mjs';

const ISOLATIONS = ['thread', 'process'];
const WITHIN_MS = { crash: 100, loop: 250 };
const P99_RATIO = 2;
const LOAD = { perSecond: 200, seconds: 1.5, slices: 6 };
const QUICK = { perSecond: 200, seconds: 1, slices: 3 };

/**
 * `bench -- faults`: what handlers that harm cost a neighbour of theirs, and how soon their callers know.
 * @param {{ trials: number, quick?: boolean, only?: string[], json?: boolean }} options
 * @param {AbortSignal} signal ends it early, in order
 */
export async function benchFaults({ trials, quick, only, json }, signal) {
  const machine = machineFacts();
  const note = (text) => process.stderr.write(`${text}\n`);
  const load = quick ? QUICK : LOAD;
  const [neighbours, trialResults] = [[], []];
  for (const isolation of ISOLATIONS) {
    trialResults.push(...(await benchTrials(isolation, { trials, note, signal })));
    neighbours.push(...(await benchNeighbour(isolation, { ...load, only, note, signal })));
  }
  const targets = [...trialTargets(trialResults), ...neighbourTargets(neighbours)];
  const report = { machine, load, trials: trialResults, neighbours, targets };
  process.stdout.write(`${json ? JSON.stringify(report, null, 2) : render(report)}\n`);
}

const trialTargets = (results) =>
  results.flatMap(({ isolation, what, p95, next }) => [
    target(`${isolation}, ${what}, 95 %`, p95, {
      atMost: what.startsWith('loop') ? WITHIN_MS.loop : WITHIN_MS.crash,
      unit: 'ms',
      digits: 0,
    }),
    target(`${isolation}, ${what}, the next call is OK`, next, { atLeast: 0.95 }),
  ]);

const neighbourTargets = (results) =>
  results.flatMap(({ isolation, key, failed, ratio }) => [
    target(`${isolation}, beside “${key}”, p99 to its control's`, ratio.median, { atMost: P99_RATIO }),
    target(`${isolation}, beside “${key}”, failed`, failed, { atMost: 0, digits: 0 }),
  ]);

function render({ machine, load, neighbours, targets }) {
  const { perSecond, seconds, slices } = load;
  return [
    machineLine(machine),
    `Neighbour at ${perSecond}/s, ${slices} slices of ${seconds} s each, by turns with a control run of as many burners outside as ` +
      'processors were busy (executor and what it started).  Ratios: median [quartiles] of the slices.',
    '',
    ...table(
      ['', 'harm', 'failed', 'p50 ms', 'p99 ms', 'control p99', 'ratio', 'busy', 'its outcomes'],
      neighbours.map(row),
    ),
    '',
    ...targetLines(targets),
  ].join('\n');
}

const row = ({ isolation, key, failed, p50, p99, control, ratio, busy, outcomes }) => [
  isolation,
  key,
  String(failed),
  p50.toFixed(2),
  p99.toFixed(2),
  control.toFixed(2),
  text(ratio, 2),
  busy.toFixed(2),
  Object.entries(outcomes)
    .map(([status, count]) => `${status} ×${count}`)
    .join(', '),
];
