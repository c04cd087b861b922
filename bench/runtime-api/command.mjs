import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startNats } from '#servers';
import { Children } from '../http/child.mjs';
import { startMesh } from '../http/mesh.mjs';
import { StandInRegistry } from '../http/registry.mjs';
import { measure, runRounds } from '../http/rounds.mjs';
import { verify } from '../http/verify.mjs';
import { machineFacts } from '../measure/machine.mjs';
import { pairedRatio, spread } from '../measure/statistics.mjs';
import { table, text } from '../measure/table.mjs';
import { machineLine, target, targetLines } from '../measure/targets.mjs';
import { requireWrk } from '../measure/wrk.mjs';

const RUNTIME = fileURLToPath(new URL('./runtime', import.meta.url));
const AT_LEAST = 0.5;

const AT_ONCE = { concurrency: 64 };
/** The same answer to the same request; `stated` is of the manifest of a program. */
const CONTENDERS = [
  { key: 'thread', title: 'handler in a worker thread' },
  { key: 'provided', title: 'custom runtime in Node, polling 64 times at once', stated: { limits: AT_ONCE } },
  {
    key: 'gateway',
    title: "the same, with API Gateway's event",
    stated: { limits: AT_ONCE, event: 'apigateway-v2' },
  },
  { key: 'one', title: 'the same as provided, one invocation at a time', stated: { limits: {} } },
];

/**
 * `bench -- runtime-api`: invocations/s of a program that polls the Runtime API beside those of a handler in a thread,
 * both called by HTTP through the whole mesh.
 * @param {{ rounds: number, seconds: number, connections: number, warmup: number, json?: boolean, profile?: string }} options
 * @param {AbortSignal} signal ends it early, in order
 */
export async function benchRuntimeApi(options, signal) {
  requireWrk();
  const machine = machineFacts();
  const note = (line) => process.stderr.write(`${line}\n`);
  const stops = [];
  try {
    const running = await startAll(options, stops, note, signal);
    const { rounds, seconds, connections, warmup } = options;
    const load = { seconds, connections, signal };
    for (const contender of running) if (warmup > 0) await measure(contender, { ...load, seconds: warmup });
    const results = await runRounds(running, {
      ...load,
      rounds,
      aloneSeconds: 0,
      onResult: ({ round, key, perSecond, cpu }) =>
        note(
          `round ${round + 1}/${rounds}  ${key.padEnd(9)} ${perSecond.toFixed(0).padStart(6)}/s  ${cpu.sum.toFixed(1)} µs`,
        ),
    });
    const summary = summarize(results);
    const report = { machine, load: { rounds, seconds, connections, warmup }, summary, results };
    process.stdout.write(`${options.json ? JSON.stringify(report, null, 2) : render(report)}\n`);
  } finally {
    for (const stop of stops.reverse()) await stop();
  }
}

async function startAll({ profile }, stops, note, signal) {
  const nats = await startNats();
  stops.push(() => nats.stop());
  const registry = await StandInRegistry.start(nats);
  stops.push(() => registry.stop());
  const children = new Children(profile);
  stops.push(() => children.stop());
  const running = [];
  for (const { key, title, stated } of CONTENDERS) {
    signal.throwIfAborted();
    note(`Starting ${key}: ${title}.`);
    const changes = stated ? await storeProgram(registry, stated) : {};
    const mesh = await startMesh({ children, nats, registry }, { name: key, isolation: 'thread', changes });
    const contender = { key, ...mesh };
    await verify(contender, signal);
    running.push(contender);
  }
  return running;
}

async function storeProgram(registry, stated) {
  const folder = await mkdtemp(join(tmpdir(), 'lambda-mesh-bench-'));
  try {
    await cp(RUNTIME, folder, { recursive: true });
    const manifest = JSON.parse(await readFile(join(folder, 'mesh.json'), 'utf8'));
    await writeFile(join(folder, 'mesh.json'), JSON.stringify({ ...manifest, ...stated }));
    return await registry.store(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** What the rounds say: a spread for each contender, and the ratios of each round to the thread's. */
export function summarize(results) {
  const of = (key) => results.filter((result) => result.key === key).sort((a, b) => a.round - b.round);
  const perSecond = (key) => of(key).map((result) => result.perSecond);
  const contenders = CONTENDERS.map(({ key, title }) => ({
    key,
    title,
    perSecond: spread(perSecond(key)),
    p50: spread(of(key).map(({ p50 }) => p50)),
    cpu: spread(of(key).map(({ cpu }) => cpu.sum)),
    ratio: pairedRatio(perSecond(key), perSecond('thread')),
  }));
  const { ratio } = contenders.find(({ key }) => key === 'provided');
  const targets = [
    target('invocations/s of the custom runtime, of those of the thread', ratio.median, {
      atLeast: AT_LEAST,
    }),
  ];
  return { contenders, targets };
}

function render({ machine, load, summary }) {
  return [
    machineLine(machine),
    `${load.rounds} rounds of ${load.seconds} s, ${load.connections} connections; GET, small JSON; no error. Medians [quartiles]. ` +
      'Processor time of ingress, nats-server and executor; not of the program.',
    '',
    ...table(
      ['', '', 'invocations/s', 'of the thread', 'p50 ms', 'CPU µs'],
      summary.contenders.map(({ key, title, perSecond, ratio, p50, cpu }) => [
        key,
        title,
        text(perSecond, 0),
        text(ratio, 2),
        text(p50, 2),
        text(cpu, 1),
      ]),
    ),
    '',
    ...targetLines(summary.targets),
  ].join('\n');
}
