import { between, pickFrom, randomFrom } from '../test/fixtures/random.ts';

/** What is done to a process. `cut` breaks its connections to NATS and refuses new ones for a while. */
export type FaultKind = 'kill' | 'freeze' | 'cut';

export interface PlannedFault {
  readonly kind: FaultKind;
  /** Name of the unit that it happens to. */
  readonly target: string;
  /** Since the feeding began, ms. */
  readonly at: number;
  /** How long it stays down, frozen or cut off, ms; it needs its own time to be ready again after that. */
  readonly lasts: number;
}

/** Who may be struck by what. */
export interface Targets {
  readonly kill: readonly string[];
  readonly freeze: readonly string[];
  readonly cut: readonly string[];
}

export interface PlanOptions {
  readonly seed: number;
  readonly seconds: number;
  readonly kills: number;
  readonly freezes: number;
  readonly cuts: number;
}

/** No fault at first and at last: a duplicate there has no excuse. */
const CALM_SHARE = 0.06;
/** One kill in so many leaves its target down for longer, so that what it would do waits meanwhile. */
const LONG_ABSENCE_ONE_IN = 5;
/** One freeze in so many outlasts the time limit of a delivery (15 s), so that work runs on at two places. */
const LONG_FREEZE_ONE_IN = 4;

/**
 * The faults of a run, in the order of their moments: the same for the same seed. Each target is struck once before any is
 * struck twice, so that a run with enough faults leaves nobody out.
 */
export function planFaults(options: PlanOptions, targets: Targets): PlannedFault[] {
  const random = randomFrom(options.seed);
  const counts = { kill: options.kills, freeze: options.freezes, cut: options.cuts };
  const [from, to] = [CALM_SHARE, 1 - CALM_SHARE].map((share) => share * options.seconds * 1_000);
  const plan = (['kill', 'freeze', 'cut'] as const).flatMap((kind) =>
    deal(random, targets[kind], counts[kind]).map((target) => ({
      kind,
      target,
      at: between(random, Math.round(from as number), Math.round(to as number)),
      lasts: lastingOf(random, kind, options.seconds),
    })),
  );
  return plan.sort((a, b) => a.at - b.at);
}

/** Shuffled decks, one after the other. */
function deal(random: () => number, targets: readonly string[], count: number): string[] {
  const dealt: string[] = [];
  while (targets.length > 0 && dealt.length < count) dealt.push(...shuffled(random, targets));
  return dealt.slice(0, count);
}

function shuffled<T>(random: () => number, list: readonly T[]): T[] {
  const rest = [...list];
  return list.map(() => {
    const one = pickFrom(random, rest);
    rest.splice(rest.indexOf(one), 1);
    return one;
  });
}

function lastingOf(random: () => number, kind: FaultKind, seconds: number): number {
  const isOne = (oneIn: number) => between(random, 1, oneIn) === 1 && seconds >= 60;
  if (kind === 'cut') return between(random, 0, 1) * between(random, 0, 3_000);
  if (kind === 'kill')
    return isOne(LONG_ABSENCE_ONE_IN) ? between(random, 6_000, 10_000) : between(random, 0, 2_000);
  return isOne(LONG_FREEZE_ONE_IN) ? between(random, 16_000, 20_000) : between(random, 200, 5_000);
}
