import { accounted } from '../measure/cpu.mjs';

const WARM_UPS = 2;

/**
 * Measures every contender once a round, in an order that rotates, so that what else the machine does meets all alike.
 * The first two rounds warm up and do not count: until its code is compiled, an executor takes twice as long.
 * @param contenders `{ key, pids, measure() }`; measure may do what is not timed, and calls the function that it is
 *   given with the work that is timed, which resolves with its number of events
 * @returns {Promise<object[]>} `{ part, round, key, events, perSecond, cpu }`, cpu in µs an event by role
 */
export async function runRounds(part, contenders, { rounds, note, signal }) {
  const results = [];
  for (let round = -WARM_UPS; round < rounds; round++) {
    for (let place = 0; place < contenders.length; place++) {
      signal.throwIfAborted();
      const contender = contenders[(Math.max(round, 0) + place) % contenders.length];
      const result = { part, round, key: contender.key, ...(await timed(contender)) };
      if (round >= 0) results.push(result);
      note(lineOf(result));
    }
  }
  return results;
}

async function timed({ key, pids, measure }) {
  let figures;
  await measure(async (work) => {
    const from = performance.now();
    const { result: events, used } = await accounted(pids, work);
    const ms = performance.now() - from;
    const cpu = Object.fromEntries(Object.entries(used).map(([role, us]) => [role, us / events]));
    cpu.sum = Object.values(cpu).reduce((sum, us) => sum + us, 0);
    figures = { events, perSecond: (events * 1_000) / ms, cpu };
  });
  if (!figures) throw new Error(`${key} timed nothing`);
  return figures;
}

const lineOf = ({ part, round, key, perSecond, cpu }) =>
  `${part} ${round < 0 ? 'warm-up' : `round ${round + 1}`}  ${key.padEnd(18)} ${perSecond.toFixed(0).padStart(7)}/s  ${cpu.sum.toFixed(1)} µs`;
