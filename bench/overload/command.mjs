import { machineFacts } from '../measure/machine.mjs';
import { pairedRatio, quantile, spread } from '../measure/statistics.mjs';
import { table, text } from '../measure/table.mjs';
import { machineLine, target, targetLines } from '../measure/targets.mjs';
import { overloadMemory } from './memory.mjs';
import { overloadRounds } from './rounds.mjs';
import { CAPACITY, startScene } from './scene.mjs';
import { sweep } from './sweep.mjs';

const FULL = { seconds: 4, rounds: 5, memory: { warmUp: 30, seconds: 60 } };
const QUICK = { seconds: 2, rounds: 2, memory: { warmUp: 10, seconds: 15 } };
const GOODPUT = 0.9;
const REFUSED_MS = 50;
const NEIGHBOUR_P99 = 2;
const GROWTH_MB = 5;

/**
 * `bench -- overload`: ten times what a wait-bound handler can do.
 * @param {{ isolation: string, quick?: boolean, json?: boolean }} options
 * @param {AbortSignal} signal ends it early, in order
 */
export async function benchOverload({ isolation, quick, json }, signal) {
  const machine = machineFacts();
  const note = (line) => process.stderr.write(`${line}\n`);
  const size = quick ? QUICK : FULL;
  const scene = await startScene(isolation, signal);
  try {
    const options = { ...size, note, signal };
    const points = await sweep(scene, options);
    const rounds = await overloadRounds(scene, options);
    const memory = await overloadMemory(scene, size.memory);
    const best = Math.max(...points.map((point) => point.goodput));
    const targets = targetsOf(best, rounds, memory);
    const report = { machine, isolation, size, sweep: points, best, rounds, memory, targets };
    process.stdout.write(`${json ? JSON.stringify(report, null, 2) : render(report)}\n`);
  } finally {
    await scene.stop();
  }
}

function targetsOf(best, rounds, memory) {
  const median = (read) => quantile(rounds.map(read), 0.5);
  const sum = (read) => rounds.reduce((total, round) => total + read(round), 0);
  const ratio = pairedRatio(
    rounds.map(({ overload }) => overload.neighbour.p99),
    rounds.map(({ control }) => control.p99),
  );
  return [
    target('goodput at ten times too much, to the best', median(({ overload }) => overload.goodput) / best, {
      atLeast: GOODPUT,
    }),
    target(
      'median until 429',
      median(({ overload }) => overload.refusedMedian),
      {
        atMost: REFUSED_MS,
        unit: 'ms',
      },
    ),
    target(
      'answers that are neither 200 nor 429',
      sum(({ overload }) => overload.other),
      {
        atMost: 0,
        digits: 0,
      },
    ),
    target('p99 of the neighbour, to its control’s', ratio.median, { atMost: NEIGHBOUR_P99 }),
    target(
      'failed requests of the neighbour',
      sum(({ overload }) => overload.neighbour.failed),
      {
        atMost: 0,
        digits: 0,
      },
    ),
    target(
      'goodput of a twin beside one with ten times too much, to the best',
      median(({ twins }) => twins.modest) / best,
      {
        atLeast: GOODPUT,
      },
    ),
    ...memory.map(({ role, growth }) =>
      target(`growth of ${role}`, growth, { atMost: GROWTH_MB, unit: 'MB' }),
    ),
  ];
}

function render({ machine, isolation, size, sweep: points, rounds, memory, targets }) {
  const over = (read, digits = 1) => text(spread(rounds.map(read)), digits);
  return [
    machineLine(machine),
    `A handler of ${CAPACITY}/s (isolation ${isolation}), ${size.rounds} rounds of ${size.seconds} s. Medians [quartiles].`,
    '',
    ...table(
      ['offered/s', 'answered/s'],
      points.map((point) => [point.offered.toFixed(0), point.goodput.toFixed(0)]),
    ),
    '',
    ...table(
      ['', 'neighbour p50 ms', 'p99 ms'],
      [
        [
          'ten times too much',
          over(({ overload }) => overload.neighbour.p50),
          over(({ overload }) => overload.neighbour.p99),
        ],
        [
          'the same traffic, none refused',
          over(({ control }) => control.p50),
          over(({ control }) => control.p99),
        ],
        ['alone', over(({ alone }) => alone.p50), over(({ alone }) => alone.p99)],
      ],
    ),
    '',
    ...table(
      ['MB', 'from', 'to', 'MB/min'],
      memory.map(({ role, from, to, perMinute }) => [
        role,
        from.toFixed(1),
        to.toFixed(1),
        perMinute.toFixed(2),
      ]),
    ),
    '',
    ...targetLines(targets),
  ].join('\n');
}
