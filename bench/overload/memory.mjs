import { MemoryWatch, slope } from '../measure/memory.mjs';
import { OVERLOAD } from './rounds.mjs';
import { CAPACITY } from './scene.mjs';

const EVERY_MS = 500;

/**
 * Ten times too much, without a pause. The first part fills what is filled once: young heaps, pools of connections.
 * @returns {Promise<object[]>} `{ role, from, to, growth, perMinute }`, MB: means of the first and last fifth after the
 *   warm-up, and the slope of the line between
 */
export async function overloadMemory({ generator, urls, pids }, { warmUp, seconds }) {
  const watch = new MemoryWatch(pids, EVERY_MS);
  await generator.run({ url: urls.slow, perSecond: CAPACITY * OVERLOAD, seconds: warmUp + seconds });
  const samples = watch.stop();
  return Object.entries(samples).map(([role, all]) => ({ role, ...growthOf(all, warmUp) }));
}

function growthOf(all, warmUp) {
  const counted = all.filter(([at]) => at >= warmUp);
  const fifth = Math.max(1, Math.floor(counted.length / 5));
  const from = meanOf(counted.slice(0, fifth));
  const to = meanOf(counted.slice(-fifth));
  return { from, to, growth: to - from, perMinute: slope(counted) * 60 };
}

const meanOf = (samples) => samples.reduce((sum, [, megabytes]) => sum + megabytes, 0) / samples.length;
