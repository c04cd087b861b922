import { existsSync } from 'node:fs';
import { Command, InvalidArgumentError, Option } from 'commander';
import { builtDigest, sourceDigest } from '../tools/sources.mjs';

/*
 * `npm run bench -- <what>`: side-by-side measurements. What is compared runs interleaved in one run on one machine;
 * figures from two runs are not to be compared.
 *
 *   http/      the way of a request, beside hand-written floors and what others use
 *   cold-start/  the first answer of a version
 *   runtime-api/  a custom runtime in Node beside a worker thread
 *   routes/    what ten thousand handlers cost that nobody calls
 *   work/      events for which nobody waits, beside plain clients of JetStream, MQTT and SQS
 *   audit/     records of what ran: into Postgres, and out again
 *   faults/    handlers that harm, beside a neighbour of theirs
 *   overload/  ten times what a handler can do
 *   soak/      the whole mesh under load for minutes: memory
 *   streaming/ the first byte, and large bodies both ways
 *   measure/   processor time, load, statistics
 */

const root = new URL('..', import.meta.url).pathname;
const interrupted = new AbortController();
for (const name of ['SIGINT', 'SIGTERM'])
  process.once(name, () => interrupted.abort(new Error(`stopped by ${name}`)));

const wholeFrom = (least) => (text) => {
  const value = Number(text);
  if (!Number.isInteger(value) || value < least)
    throw new InvalidArgumentError(`a whole number from ${least} on is needed`);
  return value;
};

const shareOf = (text) => {
  const value = Number(text);
  if (!(value > 0 && value <= 1)) throw new InvalidArgumentError('a number above 0, at most 1, is needed');
  return value;
};

const syncFrom = (text) => {
  if (!['default', 'always'].includes(text)) throw new InvalidArgumentError('default or always is needed');
  return text;
};

const ISOLATIONS = ['inline', 'thread', 'process'];

const program = new Command('bench').description('Side-by-side benchmarks of λ-mesh.');

program
  .command('http')
  .description('a GET through the mesh, beside hand-written floors, bare node:http, Nest and Moleculer')
  .option('--rounds <n>', 'rounds that count', wholeFrom(1), 7)
  .option('--seconds <n>', 'length of one measurement', wholeFrom(1), 5)
  .option('--warmup <n>', 'seconds of load on each contender before the first round', wholeFrom(0), 5)
  .option('--connections <n>', 'connections of the load generator', wholeFrom(1), 64)
  .option('--alone <n>', 'seconds of one connection alone, for the latency; 0: none', wholeFrom(0), 2)
  .option('--only <keys>', 'contenders, separated by commas', (text) => text.split(','))
  .option('--against <checkout>', 'also the mesh of another checkout, which must be built')
  .option('--json', 'print everything as JSON')
  .option('--profile <folder>', 'leave a processor profile of each process there (slows all of them)')
  .action(async (options) => {
    requireBuild();
    const { benchHttp } = await import('./http/command.mjs');
    await benchHttp(options, interrupted.signal);
  });

program
  .command('cold-start')
  .description(
    'the first answer of a version that was never loaded, beside a bare worker that imports its bundle',
  )
  .option('--versions <n>', 'versions that count', wholeFrom(1), 30)
  .option('--lines <n>', 'lines of code that each has', wholeFrom(0), 100)
  .option('--only <isolations>', 'thread, process; separated by commas', (text) => text.split(','))
  .option('--json', 'print everything as JSON')
  .option('--profile <folder>', 'leave a processor profile of each process there (slows all of them)')
  .action(async (options) => {
    requireBuild();
    const { benchColdStart } = await import('./cold-start/command.mjs');
    await benchColdStart(options, interrupted.signal);
  });

program
  .command('runtime-api')
  .description('a custom runtime in Node that polls the Runtime API, beside a handler in a worker thread')
  .option('--rounds <n>', 'rounds that count', wholeFrom(1), 7)
  .option('--seconds <n>', 'length of one measurement', wholeFrom(1), 5)
  .option('--warmup <n>', 'seconds of load on each contender before the first round', wholeFrom(0), 5)
  .option('--connections <n>', 'connections of the load generator', wholeFrom(1), 64)
  .option('--json', 'print everything as JSON')
  .option('--profile <folder>', 'leave a processor profile of each process there (slows all of them)')
  .action(async (options) => {
    requireBuild();
    const { benchRuntimeApi } = await import('./runtime-api/command.mjs');
    await benchRuntimeApi(options, interrupted.signal);
  });

program
  .command('routes')
  .description('what many idle handlers cost: look-up, start, heap')
  .option('--rounds <n>', 'rounds of look-ups', wholeFrom(1), 7)
  .option(
    '--sizes <n,…>',
    'numbers of handlers',
    (text) => text.split(',').map(wholeFrom(1)),
    [10, 1_000, 10_000],
  )
  .option('--json', 'print everything as JSON')
  .action(async (options) => {
    requireBuild();
    const { benchRoutes } = await import('./routes/command.mjs');
    await benchRoutes(options, interrupted.signal);
  });

program
  .command('work')
  .description(
    'accepted and completed events, beside plain clients of JetStream, MQTT and SQS; and isolation',
  )
  .option('--rounds <n>', 'rounds that count', wholeFrom(1), 5)
  .option('--events <n>', 'events of one measurement', wholeFrom(100), 20_000)
  .option('--only <parts>', 'accept, complete, flow, isolation, mqtt, sqs; separated by commas', (text) =>
    text.split(','),
  )
  .option(
    '--sync <when>',
    'default, or always: the server syncs every write before it confirms it',
    syncFrom,
    'default',
  )
  .option('--no-http', 'leave ingress-http out of `accept`, which needs wrk')
  .option('--json', 'print everything as JSON')
  .option('--profile <folder>', 'leave a processor profile of each process there (slows all of them)')
  .action(async (options) => {
    requireBuild();
    const { benchWork } = await import('./work/command.mjs');
    await benchWork(options, interrupted.signal);
  });

program
  .command('audit')
  .description('intake of invocation records beside a plain COPY, and the queries over few and many of them')
  .option('--rounds <n>', 'rounds that count', wholeFrom(1), 5)
  .option('--records <n>', 'records of one measurement', wholeFrom(1_000), 200_000)
  .option('--small <n>', 'records of the smaller table that is asked', wholeFrom(1_000), 50_000)
  .option('--large <n>', 'records of the larger one', wholeFrom(1_000), 5_000_000)
  .option('--no-queries', 'leave the queries out, which need some minutes to write what they ask')
  .option('--json', 'print everything as JSON')
  .action(async (options) => {
    requireBuild();
    const { benchAudit } = await import('./audit/command.mjs');
    await benchAudit(options, interrupted.signal);
  });

program
  .command('faults')
  .description('handlers that harm: what a neighbour of theirs notices, and how soon their callers know')
  .option('--trials <n>', 'crashes and loops of each kind', wholeFrom(1), 20)
  .option('--quick', 'shorter loads: a quarter of the time, coarser figures')
  .option('--only <harms>', 'some of the harmful handlers, separated by commas', (text) => text.split(','))
  .option('--json', 'print everything as JSON')
  .action(async (options) => {
    requireBuild();
    const { benchFaults } = await import('./faults/command.mjs');
    await benchFaults(options, interrupted.signal);
  });

program
  .command('overload')
  .description('ten times what a wait-bound handler can do: goodput, refusals, memory, its neighbours')
  .addOption(new Option('--isolation <where>', 'where handlers run').choices(ISOLATIONS).default('thread'))
  .option('--quick', 'shorter and fewer rounds: coarser figures')
  .option('--json', 'print everything as JSON')
  .action(async (options) => {
    requireBuild();
    const { benchOverload } = await import('./overload/command.mjs');
    await benchOverload(options, interrupted.signal);
  });

program
  .command('soak')
  .description('the whole mesh under load over HTTP, MQTT and SQS for minutes: memory of every process')
  .option('--minutes <n>', 'how long', wholeFrom(1), 10)
  .option('--warmup <n>', 'minutes of the same load before them', wholeFrom(0), 11)
  .option('--share <x>', 'of what the machine can do over HTTP, measured first', shareOf, 0.7)
  .option('--rate <n>', 'requests a second, in place of a share', wholeFrom(1))
  .option('--json', 'print everything as JSON, every sample included')
  .action(async (options) => {
    requireBuild();
    const { benchSoak } = await import('./soak/command.mjs');
    await benchSoak(options, interrupted.signal);
  });

program
  .command('streaming')
  .description(
    'the first byte of a stream beside a direct server’s; memory while large bodies pass, both ways',
  )
  .addOption(new Option('--isolation <where>', 'where handlers run').choices(ISOLATIONS).default('thread'))
  .option('--turns <n>', 'answers whose first byte is timed', wholeFrom(1), 200)
  .option('--down <mb>', 'MB of an answer', wholeFrom(1), 200)
  .option('--up <mb>', 'MB of a request', wholeFrom(1), 100)
  .option('--json', 'print everything as JSON')
  .action(async (options) => {
    requireBuild();
    const { benchStreaming } = await import('./streaming/command.mjs');
    await benchStreaming(options, interrupted.signal);
  });

/** Benchmarks run what is deployed: dist/, not the sources. */
function requireBuild() {
  if (!existsSync(`${root}dist/apps/executor/src/main.js`))
    throw new Error('There is nothing to measure in dist/. Remedy: npm run build');
  if (builtDigest(root) !== sourceDigest(root))
    process.stderr.write('dist/ is not what the sources say: what is measured is the last build.\n');
}

try {
  await program.parseAsync();
} catch (error) {
  process.stderr.write(`${interrupted.signal.aborted ? interrupted.signal.reason.message : error.stack}\n`);
  process.exitCode = 1;
}
