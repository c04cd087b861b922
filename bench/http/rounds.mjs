import { accounted } from '../measure/cpu.mjs';
import { loadWithWrk } from '../measure/wrk.mjs';
import { QUERY } from './answer.mjs';

/**
 * Loads every contender once a round, in an order that rotates, so that what else the machine does meets all alike.
 * @param onResult called with each measurement as it is made
 * @returns {Promise<object[]>} `{ round, key, perSecond, p50, p99, errors, requests, cpu }`, cpu in µs a request by role
 */
export async function runRounds(running, { rounds, onResult, ...load }) {
  const results = [];
  for (let round = 0; round < rounds; round++) {
    for (let place = 0; place < running.length; place++) {
      const contender = running[(round + place) % running.length];
      const result = { round, key: contender.key, ...(await measure(contender, load)) };
      results.push(result);
      onResult(result);
    }
  }
  return results;
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
