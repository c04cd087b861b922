import { setTimeout as delay } from 'node:timers/promises';
import { startNats } from '#servers';
import { Children } from '../http/child.mjs';
import { StandInRegistry } from '../http/registry.mjs';
import { machineFacts } from '../measure/machine.mjs';
import { startBare } from './bare.mjs';
import { makeHandlers } from './handlers.mjs';
import { connectAsCaller, startExecutor } from './mesh.mjs';
import { render, summarize } from './report.mjs';

/** First starts, which load Node's own code into the caches of the machine: they do not count. */
const WARM_UP = 3;
/** As many as an executor has where nobody says otherwise. */
const SPARES = 1;
/** After each first answer: an executor starts the next spare thread now, not while another is timed. */
const CALM_MS = 500;

/**
 * `bench -- cold-start`: the first answer of a version that was never loaded, beside a bare worker thread, or a bare child
 * process, that imports the same bundle and answers. Its artifact is on the executor's disk, as those of live versions are.
 * @param {{ versions: number, lines: number, only?: string[], json?: boolean, profile?: string }} options
 * @param {AbortSignal} signal ends it early, in order
 */
export async function benchColdStart(options, signal) {
  const stops = [];
  const machine = machineFacts();
  try {
    const contenders = await startAll(options, stops);
    const results = [];
    for (let turn = 0; turn < WARM_UP + options.versions; turn++) {
      signal.throwIfAborted();
      for (let place = 0; place < contenders.length; place++) {
        const { key, first } = contenders[(turn + place) % contenders.length];
        const ms = await first(turn);
        if (turn >= WARM_UP) results.push({ turn, key, ms });
        await delay(CALM_MS, undefined, { signal });
      }
    }
    const keys = contenders.map(({ key }) => key);
    const report = { machine, load: options, summary: summarize(keys, results), results };
    process.stdout.write(`${options.json ? JSON.stringify(report, null, 2) : render(report)}\n`);
  } finally {
    for (const stop of stops.reverse()) await stop();
  }
}

/** @returns contenders: each `first(n)` gives the ms until the n-th version has answered */
async function startAll({ versions, lines, only, profile }, stops) {
  const nats = await startNats();
  stops.push(() => nats.stop());
  const handlers = await makeHandlers(WARM_UP + versions, lines);
  stops.push(() => handlers.remove());
  const registry = await StandInRegistry.start(nats, handlers.folders[0]);
  stops.push(() => registry.stop());
  const children = new Children(profile);
  stops.push(() => children.stop());
  const client = await connectAsCaller(nats);
  stops.push(() => client.close());
  const packed = [];
  for (const folder of handlers.folders) packed.push(await registry.store(folder));
  const contenders = [];
  for (const isolation of only ?? ['thread', 'process']) {
    const ground = { nats, registry, children, client, packed };
    contenders.push(await startExecutor(ground, isolation, SPARES), await startBare(ground, isolation));
    if (isolation === 'thread') contenders.push(await startExecutor(ground, isolation, 0));
  }
  return contenders;
}
