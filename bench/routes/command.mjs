import { machineFacts } from '../measure/machine.mjs';
import { pairedRatio, spread } from '../measure/statistics.mjs';
import { timeLookUps } from './look-up.mjs';
import { measureScale } from './scale.mjs';

/** The same ten asked for in a small and in a large table; and, in the large one, all of them in turn. */
const TABLES = [
  { handlers: 10, asked: 10 },
  { handlers: 10_000, asked: 10 },
  { handlers: 10_000, asked: 10_000 },
];
const TARGET = 1.3;

/**
 * `bench -- routes`: what ten thousand handlers cost that nobody calls.
 * @param {{ rounds: number, sizes: number[], json?: boolean }} options
 */
export async function benchRoutes({ rounds, sizes, json }, signal) {
  const machine = machineFacts();
  const [few, ...large] = timeLookUps(TABLES, rounds);
  const lookUp = [few, ...large].map(({ handlers, asked, nanoseconds }) => ({
    handlers,
    asked,
    nanoseconds: spread(nanoseconds),
    ratio: pairedRatio(nanoseconds, few.nanoseconds),
  }));
  const scale = [];
  for (const size of sizes) {
    signal.throwIfAborted();
    process.stderr.write(`${size} handlers\n`);
    scale.push(await measureScale(size));
  }
  const report = { machine, lookUp, scale };
  process.stdout.write(json ? `${JSON.stringify(report, null, 2)}\n` : render(report));
}

const ns = ({ median, low, high }) => `${median.toFixed(0)} [${low.toFixed(0)}–${high.toFixed(0)}] ns`;
const mb = (bytes) => (bytes / 1024 / 1024).toFixed(1);

const lookUpLine = ({ handlers, asked, nanoseconds, ratio }) =>
  `${String(handlers).padStart(8)} handlers, ${String(asked).padStart(5)} asked for  ${ns(nanoseconds).padEnd(20)}  ratio ${ratio.median.toFixed(2)} [${ratio.low.toFixed(2)}–${ratio.high.toFixed(2)}]`;

function render({ machine, lookUp, scale }) {
  const [first, ...more] = scale;
  const perHandler = more.map((row) => {
    const handlers = row.handlers - first.handlers;
    const each = (key) => ((row[key] - first[key]) / handlers).toFixed(0);
    return `${String(row.handlers).padStart(8)}  executor ${each('executorHeap')} B heap, ingress ${each('ingressHeap')} B heap, nats-server ${each('natsResident')} B resident`;
  });
  return `${machine.cores} cores (${machine.model}), node ${machine.node}

Look-up in the ingress:
${lookUp.map(lookUpLine).join('\n')}
the same handlers in a large table, at most ${TARGET}: ${lookUp[1].ratio.median <= TARGET ? 'met' : 'NOT MET'}

handlers  executor ready  ingress ready  executor heap  ingress heap  nats-server
${scale
  .map(
    (row) =>
      `${String(row.handlers).padStart(8)}  ${row.executorMs.toFixed(0).padStart(11)} ms  ${row.ingressMs.toFixed(0).padStart(10)} ms  ${mb(row.executorHeap).padStart(10)} MB  ${mb(row.ingressHeap).padStart(9)} MB  ${mb(row.natsResident).padStart(8)} MB`,
  )
  .join('\n')}

Each idle handler beyond the first ${first.handlers}:
${perHandler.join('\n')}
`;
}
