import type { WorkConsumer, WorkConsumerState, WorkConsumers } from '#fabric';
import { common, FilterSet, sameFilters } from './filters.js';
import { isHeld, type Losses, mayHold } from './losses.js';

/** A consumer that takes subjects which it did not take before. */
export interface Gain {
  readonly consumer: string;
  /** What it took until then. */
  readonly before: readonly string[];
  /** Place in the stream that it was past then. */
  readonly past: number;
}

export interface Applied {
  /** What existing consumers gained: they may be past messages of it, see `sweep.ts`. */
  readonly gains: readonly Gain[];
  /** Something has to wait for work that is in hand: look again soon. */
  readonly isHeldUp: boolean;
}

/** Consumers of others, as an operator's that looks into the stream, are none of ours. */
const isOurs = ({ name }: WorkConsumer): boolean => /^(pool-|own=)/.test(name);

/**
 * Makes the consumers of WORK what the plan says. A workqueue refuses two that want the same subject, so first each lets
 * go of what it has to, then each gets what it shall have: in between, for some milliseconds, work waits.
 *
 * What a consumer has in hand when it loses a subject it keeps until it is done: nothing takes it away. A new consumer
 * begins behind it (`after`); one that is there, and is not as far, gets the subject when it is done (`losses`).
 */
export async function applyPlan(
  consumers: WorkConsumers,
  plan: readonly WorkConsumer[],
  losses: Losses,
): Promise<Applied> {
  const before = (await consumers.list()).filter(isOurs);
  const wanted = new Map(plan.map(({ name, filters }) => [name, filters]));
  const kept = new Map(before.map(({ name, filters }) => [name, common(filters, wanted.get(name) ?? [])]));
  const losing = before.filter(({ name, filters }) => !sameFilters(filters, kept.get(name) ?? []));
  for (const { name, ordered } of losing)
    await consumers.put({ name, ordered, filters: kept.get(name) ?? [] });
  const after = losing.length > 0 ? await noteLosses(consumers, losing) : before;
  const applied = await growAll(consumers, after, plan, losses);
  await createNew(consumers, before, after, plan);
  return applied;
}

/** Read anew: while it still had the subjects it went on delivering them. @returns all as they are now */
async function noteLosses(
  consumers: WorkConsumers,
  losing: readonly WorkConsumerState[],
): Promise<WorkConsumerState[]> {
  const states = (await consumers.list()).filter(isOurs);
  return Promise.all(
    states.map(async (state) => {
      const was = losing.find(({ name }) => name === state.name);
      if (!was || state.inHand === 0) return state;
      // What it had lost before and still has in hand it has lost as well.
      const before = [...new Set([...was.filters, ...(isHeld(was) ? (was.lost?.before ?? []) : [])])];
      const noted = { ...state, lost: { before, upTo: state.delivered } };
      await consumers.put(noted);
      return noted;
    }),
  );
}

async function growAll(
  consumers: WorkConsumers,
  states: readonly WorkConsumerState[],
  plan: readonly WorkConsumer[],
  losses: Losses,
): Promise<Applied> {
  const gains: Gain[] = [];
  let isHeldUp = false;
  for (const { name, ordered, filters: wanted } of plan) {
    const state = states.find((one) => one.name === name);
    if (!state) continue;
    const has = new FilterSet(state.filters);
    const gained = wanted.filter((filter) => !has.covers(filter) && !losses.holdUp(state, filter, states));
    const isWhole = wanted.every((filter) => has.covers(filter) || gained.includes(filter));
    isHeldUp ||= !isWhole;
    if (gained.length === 0) continue;
    const gaining = new FilterSet(gained);
    const filters = [...state.filters.filter((filter) => !gaining.covers(filter)), ...gained];
    const lost = isHeld(state) && state.lost ? { lost: state.lost } : {};
    await consumers.put({ name, ordered, filters: isWhole ? wanted : filters, ...lost });
    if (!mayHold(state, gained)) gains.push({ consumer: name, before: state.filters, past: state.delivered });
  }
  return { gains, isHeldUp };
}

async function createNew(
  consumers: WorkConsumers,
  before: readonly WorkConsumerState[],
  after: readonly WorkConsumerState[],
  plan: readonly WorkConsumer[],
): Promise<void> {
  for (const consumer of plan) {
    if (before.some(({ name }) => name === consumer.name)) continue;
    const givers = before.filter(({ filters }) => common(filters, consumer.filters).length > 0);
    await consumers.put(
      consumer,
      placeBehind(consumer.filters, after, new Set(givers.map(({ name }) => name))),
    );
  }
}

/** The place behind all that others may have in hand of these subjects: given up just now, or lost earlier. */
function placeBehind(
  filters: readonly string[],
  states: readonly WorkConsumerState[],
  givers: ReadonlySet<string>,
): number {
  const places = states.map((state) => {
    if (givers.has(state.name)) return state.delivered;
    return mayHold(state, filters) ? (state.lost?.upTo ?? 0) : 0;
  });
  return Math.max(0, ...places);
}

/** Those that the plan has no more: to be removed when nothing of them is in hand. */
export const leftOver = (
  states: readonly WorkConsumerState[],
  plan: readonly WorkConsumer[],
): WorkConsumerState[] =>
  states.filter((one) => isOurs(one) && !plan.some((wanted) => wanted.name === one.name));
