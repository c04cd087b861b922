import type { WorkConsumer, WorkConsumerState, WorkConsumers } from '#fabric';
import { common, sameFilters } from './filters.js';

/** A consumer that takes subjects which it did not take before. */
export interface Gain {
  readonly consumer: string;
  /** What it took until then. */
  readonly before: readonly string[];
}

/** Consumers of others, as an operator's that looks into the stream, are none of ours. */
const isOurs = ({ name }: WorkConsumer): boolean => /^(pool-|own=)/.test(name);

/**
 * Makes the consumers of WORK what the plan says. A workqueue refuses two that want the same subject, so first each lets
 * go of what it has to, then each gets what it shall have: in between, for some milliseconds, work waits.
 *
 * What a consumer has in hand when it loses a subject it keeps until it is done: nothing takes it away, and a new consumer
 * begins behind it (`after`). One that gains a subject may already be past messages of it, see `sweep.ts`.
 *
 * @returns what existing consumers gained
 */
export async function applyPlan(consumers: WorkConsumers, plan: readonly WorkConsumer[]): Promise<Gain[]> {
  const before = (await consumers.list()).filter(isOurs);
  const wanted = new Map(plan.map((consumer) => [consumer.name, consumer]));
  const kept = new Map(before.map((one) => [one.name, common(one.filters, filtersIn(wanted, one))]));
  const losing = before.filter(({ name, filters }) => !sameFilters(filters, kept.get(name) ?? []));
  for (const { name, ordered } of losing)
    await consumers.put({ name, ordered, filters: kept.get(name) ?? [] });
  const gains = await growAll(consumers, before, kept, plan);
  await createNew(consumers, before, plan);
  return gains;
}

const filtersIn = (wanted: ReadonlyMap<string, WorkConsumer>, { name }: WorkConsumer): readonly string[] =>
  wanted.get(name)?.filters ?? [];

async function growAll(
  consumers: WorkConsumers,
  before: readonly WorkConsumerState[],
  kept: ReadonlyMap<string, readonly string[]>,
  plan: readonly WorkConsumer[],
): Promise<Gain[]> {
  const gains: Gain[] = [];
  for (const consumer of plan) {
    const { name, filters } = consumer;
    const has = kept.get(name);
    if (!has || sameFilters(has, filters)) continue;
    await consumers.put(consumer);
    gains.push({ consumer: name, before: before.find((one) => one.name === name)?.filters ?? [] });
  }
  return gains;
}

async function createNew(
  consumers: WorkConsumers,
  before: readonly WorkConsumerState[],
  plan: readonly WorkConsumer[],
): Promise<void> {
  const fresh = plan.filter(({ name }) => !before.some((one) => one.name === name));
  if (fresh.length === 0) return;
  // Read anew: while it still had the subjects it went on delivering them.
  const delivered = new Map((await consumers.list()).map((one) => [one.name, one.delivered]));
  for (const consumer of fresh) {
    const givers = before.filter(({ filters }) => common(filters, consumer.filters).length > 0);
    await consumers.put(consumer, Math.max(0, ...givers.map(({ name }) => delivered.get(name) ?? 0)));
  }
}

/** Those that the plan has no more: to be removed when nothing of them is in hand. */
export const leftOver = (
  states: readonly WorkConsumerState[],
  plan: readonly WorkConsumer[],
): WorkConsumerState[] =>
  states.filter((one) => isOurs(one) && !plan.some((wanted) => wanted.name === one.name));
