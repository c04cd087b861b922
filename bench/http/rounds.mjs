import { accounted } from '../measure/cpu.mjs';
import { loadWithWrk } from '../measure/wrk.mjs';
import { QUERY } from './answer.mjs';

/** Of the load whose latency is taken: one connection, so that no request waits for another. */
const ALONE = 1;

/**
 * Loads every contender once a round, in an order that rotates, so that what else the machine does meets all alike.
 * @param options `aloneSeconds` how long one connection alone asks, for the latency; 0: not at all; `onResult` called
 *   with each measurement as it is made
 * @returns {Promise<object[]>} `{ round, key, perSecond, p50, p99, errors, requests, cpu, alone }`, cpu in µs a request
 *   by role, alone in ms
 */
export async function runRounds(running, { rounds, onResult, aloneSeconds, ...load }) {
  const results = [];
  for (let round = 0; round < rounds; round++) {
    for (let place = 0; place < running.length; place++) {
      const contender = running[(round + place) % running.length];
      const measured = await measure(contender, load);
      const alone = await latencyAlone(contender, { ...load, seconds: aloneSeconds });
      const result = { round, key: contender.key, ...measured, ...alone };
      results.push(result);
      onResult(result);
    }
  }
  return results;
}

async function latencyAlone(contender, load) {
  if (load.seconds === 0) return {};
  const { p50 } = await measure(contender, { ...load, connections: ALONE });
  return { alone: p50 };
}

/** One contender under load for a while. */
export async function measure({ key, url, pids }, load) {
  const { result, used } = await accounted(pids, () => loadWithWrk(`${url}?${QUERY}`, load));
  if (result.errors > 0 || result.requests === 0)
    throw new Error(
      `${key}: ${result.errors} errors in ${result.requests} requests; its figures mean nothing`,
    );
  const cpu = Object.fromEntries(Object.entries(used).map(([role, us]) => [role, us / result.requests]));
  const sum = Object.values(cpu).reduce((total, us) => total + us, 0);
  return { ...result, cpu: { ...cpu, sum } };
}
