import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { account } from './account.ts';
import { feed } from './feed.ts';
import { Found } from './found.ts';
import { inflict } from './inflict.ts';
import type { Ledger } from './ledger.ts';
import type { Options } from './options.ts';
import { publishHandler } from './publish.ts';
import { type Report, reportOf } from './report.ts';
import { type Glance, Watch, whoIsStuck } from './settle.ts';
import { openSources } from './sources/all.ts';
import type { Source } from './sources/source.ts';
import { startWorld, type World } from './world.ts';

/** A run that could not be begun. */
export class NotStarted extends Error {}

const PROBE = 'probe-';
const PROBE_LIMIT_MS = 60_000;
/** However much still moves. */
const SETTLE_LIMIT_MS = 600_000;
const SAY_EVERY_MS = 3_000;

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
  if (options.keep) writeFileSync(join(world.folder, 'kept'), '');
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

class Session {
  readonly #ledger: Ledger = new Map();
  readonly #watch: Watch;
  readonly #options: Options;
  readonly #world: World;
  readonly #found: Found;
  readonly #sources: readonly Source[];
  readonly #say: (line: string) => void;
  #saidAt = 0;

  constructor(
    options: Options,
    world: World,
    found: Found,
    sources: readonly Source[],
    say: (line: string) => void,
  ) {
    this.#options = options;
    this.#world = world;
    this.#found = found;
    this.#sources = sources;
    this.#say = say;
    this.#watch = new Watch(world, found, this.#ledger);
  }

  async run(begun: number, interrupted: AbortSignal): Promise<Report> {
    const over = new AbortController();
    const watching = this.#watch.run(over.signal, (glance) => this.#sayHow(glance));
    const stop = AbortSignal.any([interrupted, this.#stuckSignal(over.signal)]);
    try {
      await Promise.all([this.#feedAll(stop), inflict(this.#options, this.#world.units, stop, this.#say)]);
      this.#say('All events are sent and all faults over; waiting for quiet.');
      if (this.#options.sabotage === 'stuck') await this.#freezeExecutors();
      await this.#untilQuiet(stop);
    } finally {
      over.abort();
      await watching;
    }
    const stuck = this.#watch.isQuiet
      ? undefined
      : await whoIsStuck(this.#world, this.#watch, this.#ledger, this.#found);
    return this.#account(begun, stuck);
  }

  async #account(begun: number, stuck: string | undefined): Promise<Report> {
    if (this.#options.sabotage === 'lost') this.#say(`Sabotage: took away ${await this.#found.loseOne()}`);
    else await this.#found.lookAtAll();
    const faults = this.#world.faults();
    const { dead } = this.#found;
    const runs = new Map([...this.#found.runs].filter(([id]) => !id.startsWith(PROBE)));
    const findings = { runs, dead, backlog: this.#backlogBySource(), faults };
    return reportOf({
      options: this.#options,
      account: account(this.#ledger, findings, this.#world.relevance),
      faults,
      ledger: this.#ledger,
      seconds: (Date.now() - begun) / 1_000,
      stuck,
    });
  }

  async #feedAll(signal: AbortSignal): Promise<void> {
    const { events, seconds, seed } = this.#options;
    const each = Math.ceil(events / this.#sources.length);
    const shares = this.#sources.map((_, index) => Math.min(each, Math.max(0, events - index * each)));
    await Promise.all(
      this.#sources.map((source, index) =>
        feed(source, { events: shares[index] as number, seconds, seed, signal }, this.#ledger),
      ),
    );
  }

  async #untilQuiet(signal: AbortSignal): Promise<void> {
    const end = Date.now() + SETTLE_LIMIT_MS;
    while (!this.#watch.isQuiet && !signal.aborted && Date.now() < end) await delay(200);
  }

  /** Aborts when nothing has moved for too long. */
  #stuckSignal(over: AbortSignal): AbortSignal {
    const stuck = new AbortController();
    const timer = setInterval(() => {
      if (this.#watch.stillFor > this.#options.stuckAfter && !this.#watch.isQuiet) stuck.abort();
    }, 1_000);
    over.addEventListener('abort', () => clearInterval(timer));
    return stuck.signal;
  }

  /** Sabotage: one event more is accepted, and nobody is left to run it. */
  async #freezeExecutors(): Promise<void> {
    this.#say('Sabotage: executors stay frozen');
    for (const { name, pid } of this.#world.units)
      if (name.startsWith('executor') && pid !== undefined) process.kill(pid, 'SIGSTOP');
    const source = this.#sources.find(({ name }) => ['sqs', 'work', 'async'].includes(name));
    if (!source) return;
    await feed(
      { ...source, name: `${source.name}-stuck` },
      { events: 1, seconds: 1, seed: 1, signal: new AbortController().signal },
      this.#ledger,
    );
  }

  /** Where something may still lie, for each source. */
  #backlogBySource(): Map<string, number> {
    const of = (name: string) => {
      const backlog = this.#watch.glance?.backlogs.find((one) => one.name === name);
      return (backlog?.waiting ?? 0) + (backlog?.inHand ?? 0);
    };
    const work = of('stream WORK');
    const queued = [...this.#ledger.values()].map(({ source }) => source);
    return new Map(
      [...new Set(queued)].map((source) => {
        const kind = source.replace(/-stuck$/, '');
        return [source, kind === 'sqs' || kind === 'fifo' ? of(`queue ${kind}`) : work];
      }),
    );
  }

  #sayHow({ begun, acked, succeeded, dead, owed, backlogs }: Glance): void {
    if (Date.now() - this.#saidAt < SAY_EVERY_MS) return;
    this.#saidAt = Date.now();
    const lies = backlogs.filter(({ waiting, inHand }) => waiting + inHand > 0);
    const where = lies.map(({ name, waiting, inHand }) => `${name} ${waiting}+${inHand}`).join(', ');
    const down = this.#world.units
      .filter(({ phase }) => phase !== 'up')
      .map(({ name, phase }) => `${name} ${phase}`);
    this.#say(
      `${begun} sent, ${acked} acknowledged, ${succeeded} run, ${dead} dead, ${owed} owed` +
        `${where && `; ${where}`}${down.length > 0 ? `; ${down.join(', ')}` : ''}`,
    );
  }
}
