import { setTimeout as delay } from 'node:timers/promises';
import { Found } from './found.ts';
import { keepFolder } from './leftovers.ts';
import type { Options } from './options.ts';
import { publishHandler } from './publish.ts';
import type { Report } from './report.ts';
import { PROBE, Session } from './session.ts';
import { openSources } from './sources/all.ts';
import type { Source } from './sources/source.ts';
import { startWorld } from './world.ts';

/** A run that could not be begun. */
export class NotStarted extends Error {}

const PROBE_LIMIT_MS = 60_000;

/**
 * One run: start everything, feed events while faults happen, wait until everything is quiet, account for each event.
 * Leaves no process behind, and no folder unless it was asked to.
 * @param signal Ctrl-C: events that are under way are still accounted for
 */
export async function run(
  options: Options,
  signal: AbortSignal,
  say: (line: string) => void,
): Promise<Report> {
  const begun = Date.now();
  const stamped = (line: string) =>
    say(`${((Date.now() - begun) / 1_000).toFixed(0).padStart(5)} s  ${line}`);
  const world = await startWorld(options, stamped);
  if (options.keep) keepFolder(world.folder);
  const sources: Source[] = [];
  const found = new Found(world);
  try {
    signal.throwIfAborted();
    await publishHandler(world.services);
    await found.open();
    sources.push(...(await openSources(world, options.only)));
    await probe(sources, found);
    signal.throwIfAborted();
    return await new Session(options, world, found, sources, stamped).run(begun, signal);
  } finally {
    await Promise.all(sources.map((source) => source.close().catch(() => undefined)));
    await found.close();
    await world.stop();
  }
}

/** Every way in works before it counts: a topic that nobody has subscribed yet is nobody's loss. */
async function probe(sources: readonly Source[], found: Found): Promise<void> {
  const deadline = Date.now() + PROBE_LIMIT_MS;
  const left = new Map(sources.map((source) => [`${PROBE}${source.name}`, source]));
  let fault: unknown;
  while (left.size > 0) {
    if (Date.now() > deadline)
      throw new NotStarted(`No event came through: ${[...left.keys()].join(', ')}. ${String(fault)}`);
    for (const [id, source] of left)
      await source.send({ id, behaviour: 'ok' }, 0).catch((error) => (fault = error));
    await delay(500);
    await found.look();
    for (const id of found.runs.keys()) left.delete(id);
  }
}
