import { resolve } from 'node:path';
import { startNats } from '#servers';
import { machineFacts } from '../measure/machine.mjs';
import { requireWrk } from '../measure/wrk.mjs';
import { Children } from './child.mjs';
import { CONTENDERS, fromCheckout } from './contenders.mjs';
import { arePeersHere, requirePeers } from './peers.mjs';
import { StandInRegistry } from './registry.mjs';
import { render, summarize } from './report.mjs';
import { measure, runRounds } from './rounds.mjs';
import { verify } from './verify.mjs';

/**
 * `bench -- http`: what a request through the mesh costs beside what it would cost by hand. All contenders are started
 * once and kept warm; the rounds interleave them.
 * @param {{ rounds: number, seconds: number, connections: number, warmup: number, alone: number, only?: string[],
 *   against?: string, json?: boolean, profile?: string }} options
 * @param {AbortSignal} signal ends it early, in order
 */
export async function benchHttp(options, signal) {
  requireWrk();
  const machine = machineFacts();
  const note = (text) => process.stderr.write(`${text}\n`);
  const chosen = choose(options, note);
  const stops = [];
  try {
    const running = await startAll(chosen, options, stops, note, signal);
    const load = { seconds: options.seconds, connections: options.connections, signal };
    note('Warming up.');
    for (const contender of running)
      if (options.warmup > 0) await measure(contender, { ...load, seconds: options.warmup });
    const results = await runRounds(running, {
      ...load,
      rounds: options.rounds,
      aloneSeconds: options.alone,
      onResult: (result) => note(lineOf(result, options.rounds)),
    });
    const { rounds, seconds, connections, warmup, alone } = options;
    const report = {
      machine,
      load: { rounds, seconds, connections, warmup, alone },
      summary: summarize(chosen, results),
      results,
    };
    process.stdout.write(`${options.json ? JSON.stringify(report, null, 2) : render(report)}\n`);
  } finally {
    for (const stop of stops.reverse()) await stop();
  }
}

function choose({ only, against }, note) {
  const all = against ? [...CONTENDERS, ...fromCheckout(resolve(against))] : CONTENDERS;
  if (!only) return all.filter(({ optional, isPeer }) => !optional && (!isPeer || arePeersHere(note)));
  const unknown = only.filter((key) => !all.some((contender) => contender.key === key));
  if (unknown.length > 0)
    throw new Error(
      `There is no contender ${unknown.join(', ')}. There are: ${all.map(({ key }) => key).join(', ')}`,
    );
  const chosen = all.filter(({ key }) => only.includes(key));
  if (chosen.some(({ isPeer }) => isPeer)) requirePeers();
  return chosen;
}

async function startAll(chosen, { profile }, stops, note, signal) {
  const nats = await startNats();
  stops.push(() => nats.stop());
  const registry = await StandInRegistry.start(nats);
  stops.push(() => registry.stop());
  const children = new Children(profile);
  stops.push(() => children.stop());
  const running = [];
  for (const { key, title, start } of chosen) {
    signal.throwIfAborted();
    note(`Starting ${key}: ${title}.`);
    const contender = { key, ...(await start({ children, nats, registry })) };
    await verify(contender, signal);
    running.push(contender);
  }
  return running;
}

function lineOf({ round, key, perSecond, cpu, alone }, rounds) {
  const latency = alone === undefined ? '' : `  alone ${alone.toFixed(3)} ms`;
  return `round ${round + 1}/${rounds}  ${key.padEnd(9)} ${perSecond.toFixed(0).padStart(6)}/s  ${cpu.sum.toFixed(1)} µs${latency}`;
}
