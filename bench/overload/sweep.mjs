import { CAPACITY, goodput } from './scene.mjs';

/** Shares of what it can do. */
const SHARES = [0.5, 0.8, 0.9, 1, 1.1, 1.25, 1.5, 2];

/** Goodput at each rate. @returns {Promise<{ offered: number, goodput: number }[]>} a second */
export async function sweep({ generator, urls }, { seconds, note, signal }) {
  const points = [];
  for (const share of SHARES) {
    signal.throwIfAborted();
    const offered = CAPACITY * share;
    const [result] = await generator.run({ url: urls.slow, perSecond: offered, seconds });
    points.push({ offered, goodput: goodput(result) });
    note(`offered ${offered.toFixed(0)}/s: ${goodput(result).toFixed(0)}/s answered`);
  }
  return points;
}
