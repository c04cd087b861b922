import { setTimeout as delay } from 'node:timers/promises';
import { account } from './account.ts';
import { feed } from './feed.ts';
import type { Found } from './found.ts';
import { inflict } from './inflict.ts';
import type { Ledger } from './ledger.ts';
import type { Options } from './options.ts';
import { type Report, reportOf } from './report.ts';
import { type Glance, Watch, whoIsStuck } from './settle.ts';
import type { Source } from './sources/source.ts';
import type { World } from './world.ts';

/** Events with this prefix only show that a way in is open; they are not accounted for. */
export const PROBE = 'probe-';
/** However much still moves. */
const SETTLE_LIMIT_MS = 600_000;
const SAY_EVERY_MS = 3_000;

/** Feeding, faults, waiting for quiet and the account of it, in a world that is up. */
export class Session {
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
      // While something is stuck there is no promise to be kept yet.
      broken: stuck === undefined ? await this.#brokenPromises() : [],
    });
  }

  async #brokenPromises(): Promise<string[]> {
    const all = this.#sources.map(async (source) => (await source.broken?.()) ?? []);
    return (await Promise.all(all)).flat();
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
