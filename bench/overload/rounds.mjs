import { quantile } from '../measure/statistics.mjs';
import { CAPACITY, goodput } from './scene.mjs';

/** Times what it can do. */
export const OVERLOAD = 10;
const NEIGHBOUR_PER_SECOND = 100;
/** What the twin of an overloaded handler is offered: more than it can do, too. */
const TWIN_SHARE = 1.5;

/**
 * By turns: ten times too much, the same traffic of which nothing need be refused, the neighbour alone, and both twins
 * with too much, one of them with far more.
 * @returns {Promise<object[]>} one for each round
 */
export async function overloadRounds(scene, { rounds, seconds, note, signal }) {
  const results = [];
  for (let round = 0; round < rounds; round++) {
    signal.throwIfAborted();
    const result = {
      overload: await overloaded(scene, seconds),
      control: await control(scene, seconds),
      alone: neighbourOf(...(await scene.generator.run(neighbour(scene, seconds)))),
      twins: await twins(scene, seconds),
    };
    results.push(result);
    note(lineOf(round, result));
  }
  return results;
}

const neighbour = ({ urls }, seconds) => ({ url: urls.quick, perSecond: NEIGHBOUR_PER_SECOND, seconds });

async function overloaded(scene, seconds) {
  const { generator, urls } = scene;
  const much = { url: urls.slow, perSecond: CAPACITY * OVERLOAD, seconds };
  const [slow, quick] = await generator.run(much, neighbour(scene, seconds));
  const { 200: ok = [], 429: refused = [] } = slow.latencies;
  return {
    goodput: goodput(slow),
    refused: refused.length,
    other: slow.sent - ok.length - refused.length,
    refusedMedian: refused.length > 0 ? quantile(refused, 0.5) : 0,
    answeredMedian: ok.length > 0 ? quantile(ok, 0.5) : 0,
    neighbour: neighbourOf(quick),
  };
}

async function control(scene, seconds) {
  const { generator, urls } = scene;
  const [, , quick] = await generator.run(
    { url: urls.slow, perSecond: CAPACITY * 0.8, seconds },
    { url: urls.willing, perSecond: CAPACITY * (OVERLOAD - 0.8), seconds },
    neighbour(scene, seconds),
  );
  return neighbourOf(quick);
}

async function twins({ generator, urls }, seconds) {
  const [slow, twin] = await generator.run(
    { url: urls.slow, perSecond: CAPACITY * OVERLOAD, seconds },
    { url: urls.twin, perSecond: CAPACITY * TWIN_SHARE, seconds },
  );
  return { greedy: goodput(slow), modest: goodput(twin) };
}

function neighbourOf({ sent, latencies }) {
  const all = Object.values(latencies).flat();
  return { failed: sent - (latencies[200]?.length ?? 0), p50: quantile(all, 0.5), p99: quantile(all, 0.99) };
}

const lineOf = (round, { overload, control: same, alone, twins: both }) =>
  `round ${round + 1}  goodput ${overload.goodput.toFixed(0)}/s, 429 after ${overload.refusedMedian.toFixed(1)} ms;  neighbour p99 ` +
  `${overload.neighbour.p99.toFixed(1)} ms, control ${same.p99.toFixed(1)}, alone ${alone.p99.toFixed(1)};  twins ${both.greedy.toFixed(0)} and ${both.modest.toFixed(0)}/s`;
