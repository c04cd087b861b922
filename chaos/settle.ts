import { setTimeout as delay } from 'node:timers/promises';
import { fateOf } from './account.ts';
import { progressOf } from './feed.ts';
import type { Backlog, Found } from './found.ts';
import type { Ledger } from './ledger.ts';
import type { World } from './world.ts';

const LOOK_EVERY_MS = 1_000;
/** So often in a row nothing may be left before it is believed. */
const QUIET_LOOKS = 3;

/** One look at everything. */
export interface Glance {
  readonly at: number;
  readonly begun: number;
  readonly acked: number;
  readonly inFlight: Record<string, number>;
  readonly succeeded: number;
  readonly dead: number;
  /** Acknowledged, and neither run nor dead yet. */
  readonly owed: number;
  readonly backlogs: readonly Backlog[];
}

/**
 * Looks at everything once a second for as long as a run goes on, and says when nothing moves any more.
 */
export class Watch {
  glance: Glance | undefined;
  #movedAt = Date.now();
  #moved = '';
  #quiet = 0;
  readonly #world: World;
  readonly #found: Found;
  readonly #ledger: Ledger;

  constructor(world: World, found: Found, ledger: Ledger) {
    this.#world = world;
    this.#found = found;
    this.#ledger = ledger;
  }

  /** Since something moved, s. */
  get stillFor(): number {
    return (Date.now() - this.#movedAt) / 1_000;
  }
  /** Every event has its fate, and nothing lies anywhere. */
  get isQuiet(): boolean {
    return this.#quiet >= QUIET_LOOKS;
  }

  /** Looks until the signal aborts. While a server is away there is nothing to see, which is no stillness either. */
  async run(signal: AbortSignal, onGlance: (glance: Glance) => void): Promise<void> {
    while (!signal.aborted) {
      await this.#look().then(onGlance, () => undefined);
      await delay(LOOK_EVERY_MS, undefined, { signal }).catch(() => undefined);
    }
  }

  async #look(): Promise<Glance> {
    await this.#found.look();
    const backlogs = await this.#found.backlogs();
    const { begun, acked, inFlight } = progressOf(this.#ledger);
    const { runs, dead } = this.#found;
    const owed = [...this.#ledger.values()].filter(
      (sent) => sent.acked !== undefined && fateOf(sent, { runs, dead, backlog: new Map() }) === 'lost',
    ).length;
    const glance = {
      at: Date.now(),
      begun,
      acked,
      inFlight,
      succeeded: runs.size,
      dead: dead.size,
      owed,
      backlogs,
    };
    this.#note(glance);
    this.glance = glance;
    return glance;
  }

  #note({ begun, acked, succeeded, dead, owed, backlogs, inFlight }: Glance): void {
    const state = JSON.stringify([begun, acked, succeeded, dead, backlogs.map(({ waiting }) => waiting)]);
    const isUp = this.#world.units.every(({ phase }) => phase === 'up');
    if (state !== this.#moved || !isUp) this.#movedAt = Date.now();
    this.#moved = state;
    const left = owed + backlogs.reduce((sum, { waiting, inHand }) => sum + waiting + inHand, 0);
    this.#quiet = left === 0 && Object.keys(inFlight).length === 0 && isUp ? this.#quiet + 1 : 0;
  }
}

/** Who is stuck, for a person: everything that could be waiting for something. */
export async function whoIsStuck(world: World, watch: Watch, ledger: Ledger, found: Found): Promise<string> {
  const glance = watch.glance;
  const owed = [...ledger.values()].filter(
    (sent) => sent.acked !== undefined && fateOf(sent, { ...found, backlog: new Map() }) === 'lost',
  );
  const units = await Promise.all(
    world.units.map(async (unit) => `${unit.name} (${unit.phase}, pid ${unit.pid}):\n${indent(unit.log(4))}`),
  );
  return [
    `Nothing has moved for ${watch.stillFor.toFixed(0)} s.`,
    `Events acknowledged and without fate: ${owed.length}${owed.length > 0 ? `, such as ${sample(owed.map(({ id }) => id))}` : ''}`,
    `Producers in the middle of sending: ${JSON.stringify(glance?.inFlight ?? {})}`,
    ...(glance?.backlogs ?? []).map(
      ({ name, waiting, inHand, detail }) => `${name}: ${waiting} waiting, ${inHand} in hand. ${detail}`,
    ),
    ...units,
  ].join('\n');
}

const sample = (ids: readonly string[]): string => ids.slice(0, 10).join(', ');
const indent = (text: string): string =>
  text
    .split('\n')
    .map((line) => `    ${line.slice(0, 300)}`)
    .join('\n');
